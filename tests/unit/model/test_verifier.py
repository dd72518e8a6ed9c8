"""The standalone verifier is a second implementation of the format: both must agree."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from lakefs_repro.model.entry import Entry
from lakefs_repro.model.manifest import build

ROOT = Path(__file__).parents[3]
VERIFIER = ROOT / "docs/reference/verify_snapshot.py"
VECTORS = json.loads((ROOT / "tests/data/manifests/vectors.json").read_text(encoding="utf-8"))["vectors"]
FOLDERS = [vector for vector in VECTORS if vector["name"] not in ("foreign", "order", "many")]


def contents_of(vector):
    if "files" in vector:
        return {path: content.encode() for path, content in vector["files"].items()}
    formula = vector["formula"]
    return {
        formula["path"].replace("{number}", f"{number:0{formula['width']}}"): b"%d" % number
        for number in range(formula["count"])
    }


def verify(*arguments, **options):
    command = [sys.executable, "-I", str(VERIFIER), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, **options)


def write_files(folder, contents):
    folder.mkdir(exist_ok=True)
    for path, data in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


@pytest.fixture
def snapshot(tmp_path):
    """A folder, the chunks of its manifest beside it, and the root."""
    contents = {f"d{number % 3}/{number:05d}": b"%d" % number for number in range(1500)}
    contents |= {"new\nline": b"1", 'back\\slash"': b"2", "carriage\rreturn": b"3", "日本": b""}
    write_files(tmp_path / "data", contents)
    (tmp_path / "chunks").mkdir()
    entries = [Entry(path, len(data), hashlib.sha256(data).hexdigest()) for path, data in contents.items()]
    manifest = build(entries, lambda name, data: (tmp_path / "chunks" / name).write_bytes(data))
    assert len(manifest.chunks) > 2
    return tmp_path / "data", tmp_path / "chunks", manifest.root


def test_it_is_short_and_needs_the_standard_library_alone():
    source = VERIFIER.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 80
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module)
    assert imported <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("vector", FOLDERS, ids=lambda vector: vector["name"])
def test_digest_of_a_folder_is_the_published_one(vector, tmp_path):
    write_files(tmp_path / "data", contents_of(vector))
    result = verify(tmp_path / "data", vector["root"])
    assert (result.returncode, result.stdout, result.stderr) == (0, vector["root"] + "\n", "")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_digest_of_any_files_is_the_published_one(vector):
    root_of = runpy.run_path(str(VERIFIER))["root_of"]
    files = {path: (len(data), hashlib.sha256(data).hexdigest()) for path, data in contents_of(vector).items()}
    assert root_of(files) == vector["root"]


def test_another_digest_is_refused(tmp_path):
    write_files(tmp_path / "data", {"a": b"1"})
    result = verify(tmp_path / "data", "ab" * 32)
    assert result.returncode == 1
    assert verify(tmp_path / "data", result.stdout.strip()).returncode == 0


def test_a_folder_equal_to_its_manifest(snapshot):
    folder, chunks, root = snapshot
    result = verify(folder, "--manifest", chunks, root)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{root}\n", "")
    assert verify(folder, root, "--manifest", chunks, root).returncode == 0
    assert verify(folder, "ab" * 32, "--manifest", chunks, root).returncode == 1


def test_files_that_differ_from_the_manifest_are_named(snapshot):
    folder, chunks, root = snapshot
    (folder / "d0/00003").write_bytes(b"4")
    (folder / "new\nline").unlink()
    (folder / "extra").write_bytes(b"")
    result = verify(folder, "--manifest", chunks, root)
    assert result.returncode == 1
    assert result.stdout.splitlines()[1:] == ["changed: d0/00003", "new: extra", "missing: new\\nline"]


def test_a_damaged_chunk_is_no_answer(snapshot):
    folder, chunks, root = snapshot
    damaged = next(path for path in chunks.iterdir() if path.name != root)
    damaged.write_bytes(damaged.read_bytes() + b"\n")
    result = verify(folder, "--manifest", chunks, root)
    assert result.returncode == 2
    assert f"the chunk {damaged.name} is damaged" in result.stderr
    damaged.unlink()
    assert verify(folder, "--manifest", chunks, root).returncode == 2


def test_a_manifest_cut_otherwise_is_not_equal(tmp_path):
    write_files(tmp_path / "data", {"a": b"1", "b": b"2"})
    (tmp_path / "chunks").mkdir()

    def put(text):
        name = hashlib.sha256(text.encode()).hexdigest()
        (tmp_path / "chunks" / name).write_text(text, encoding="utf-8", newline="")
        return name

    leaf = "lakefs-repro manifest 1 leaf\n{} 1 {}\n"
    left = put(leaf.format(hashlib.sha256(b"1").hexdigest(), "a"))
    right = put(leaf.format(hashlib.sha256(b"2").hexdigest(), "b"))
    root = put(f"lakefs-repro manifest 1 node 1\n{left} 1 1 a\n{right} 1 1 b\n")
    assert verify(tmp_path / "data", "--manifest", tmp_path / "chunks", root).returncode == 1


def test_links_and_empty_folders(tmp_path):
    write_files(tmp_path / "data", {"a": b"1", "b": b"2"})
    expected = verify(tmp_path / "data").stdout
    write_files(tmp_path / "linked", {"a": b"1"})
    (tmp_path / "linked/b").symlink_to(tmp_path / "data/b")
    (tmp_path / "linked/empty").mkdir()
    assert verify(tmp_path / "linked").stdout == expected
    (tmp_path / "linked/folder").symlink_to(tmp_path / "data")
    assert verify(tmp_path / "linked").returncode == 2


@pytest.mark.parametrize("kind", ["dangling link", "pipe", "name that is not UTF-8", "missing folder", "no argument"])
def test_what_can_not_be_told_is_an_error(kind, tmp_path):
    if kind == "dangling link":
        (tmp_path / "a").symlink_to("nowhere")
    elif kind == "pipe":
        os.mkfifo(tmp_path / "a")
    elif kind == "name that is not UTF-8":
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")).write_bytes(b"")
    folder = [] if kind == "no argument" else [tmp_path / "gone" if kind == "missing folder" else tmp_path]
    result = verify(*folder)
    assert result.returncode == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
