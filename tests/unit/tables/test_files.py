from __future__ import annotations

import subprocess
import sys

import pytest

from lakefs_repro.tables import partition_values, table_format
from lakefs_repro.tables.files import partition_of, plain_folder, stem, table_suffix


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.csv", "csv"),
        ("x/A.CSV", "csv"),
        ("a.csv.gz", "csv"),
        ("a.tsv", "csv"),
        ("a.jsonl", "jsonl"),
        ("a.ndjson.gz", "jsonl"),
        ("a.parquet", "parquet"),
        ("a.pq", "parquet"),
        ("a.parquet.gz", None),
        ("a.gz", None),
        ("csv", None),
        (".csv", None),
        ("a.csv/readme", None),
        ("a.json", None),
    ],
)
def test_the_name_decides_the_format(path, expected):
    assert table_format(path) == expected


def test_hive_folders_are_decoded():
    assert partition_values("year=2013/x/name=a%2Fb=c/f.csv") == {"year": "2013", "name": "a/b=c"}
    assert partition_values("=1/x=/f.csv") == {"x": ""}


def test_folder_stem_suffix_and_partition():
    assert plain_folder("a/year=1/b/f.csv") == "a/b"
    assert stem("a/f.1.csv.gz") == "f.1"
    assert table_suffix("F.CSV.GZ") == ".csv"
    assert partition_of("a/year=1/m=2/f.csv") == "year=1/m=2"
    assert partition_of("a/b/f.csv") == "a/b"


def test_importing_the_room_imports_no_heavy_library():
    script = (
        "import sys, lakefs_repro.tables, lakefs_repro.model.contract, lakefs_repro.model.table_report;"
        "sys.exit(', '.join({'duckdb', 'pyarrow', 'pandas', 'numpy'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
