"""Print vectors.json: ``python tests/data/manifests/make_vectors.py > tests/data/manifests/vectors.json``.

A change of the committed file is a change of the format: digests that people have written down would no
longer hold. New vectors may be added at the end.
"""

from __future__ import annotations

import hashlib
import json
import sys

from lakefs_repro.model.entry import Entry
from lakefs_repro.model.manifest import build, iter_chunk_names

ABOUT = (
    "Test vectors of docs/reference/manifest-format.md. A vector gives its files as path and content (text, "
    "to be encoded as UTF-8), or as a formula: for each number from 0 below count, the path is the pattern with "
    "the number in place of {number}, padded with zeros to the given width, and the content is the number in "
    "decimal. 'chunks' are all chunks by name, as text; where there are many, 'chunk_names' lists them, "
    "sorted."
)
SMALL = [
    ("empty", "no file at all: the header alone", {}),
    ("one-file", "one leaf, which is the root", {"hello.txt": "hello\n"}),
    ("empty-files", "files without content", {"a": "", "b/c": ""}),
    (
        "escapes",
        "backslash, LF and CR are escaped, nothing else; spaces stay as they are",
        {
            "back\\slash": "1",
            "new\nline": "2",
            "carriage\rreturn": "3",
            "a b  c": "4",
            '"quoted"': "5",
            "\\n": "6",
            "tab\t": "7",
        },
    ),
    (
        "unicode",
        "sorted by the bytes of UTF-8, which is not the order of UTF-16; composed and decomposed names are two files",
        {
            "caf\u00e9": "composed",
            "cafe\u0301": "decomposed",
            "\uffee": "U+FFEE",
            "\U0001f600": "U+1F600",
            "Z": "Z",
            "z": "z",
            "日本語/データ": "日本",
        },
    ),
    (
        "order",
        "sorted by whole paths, not folder by folder",
        {"a/b": "1", "a-b": "2", "a": "3", "a0": "4", "A": "5"},
    ),
    (
        "foreign",
        "paths that no restore would write have a digest all the same",
        {"/absolute": "1", "../up": "2", "a//b": "3", "a/": "4", ".": "5", "nul\0": "6"},
    ),
    (
        "three-levels",
        "file-10230 closes its leaf and the node above, file-582 its leaf alone: a tree of three levels",
        {"file-1": "1", "file-10230": "10230", "file-2": "2", "file-582": "582", "file-9": "9"},
    ),
    (
        "last-is-boundary",
        "a boundary at the very end closes the last chunk; no empty one follows",
        {"file-1": "1", "file-10230": "10230"},
    ),
]
FORMULAS = [
    ("several-leaves", "more than 3 x 512 files in one folder", 2_000, "part-{number}.txt", 5),
    ("partitioned", "names of one length in folders", 20_000, "year=2024/{number}.csv", 6),
    ("many", "enough for three levels by chance", 300_000, "data/{number}.bin", 6),
]
NAMED_BELOW = 200


def entry(path: str, content: str) -> Entry:
    data = content.encode()
    return Entry(path, len(data), hashlib.sha256(data).hexdigest())


def formula_entries(count: int, pattern: str, width: int) -> list[Entry]:
    return [entry(pattern.replace("{number}", f"{number:0{width}}"), str(number)) for number in range(count)]


def vector(name: str, why: str, entries: list[Entry], source: dict[str, object]) -> dict[str, object]:
    chunks: dict[str, bytes] = {}
    manifest = build(entries, chunks.__setitem__)
    names = list(iter_chunk_names(manifest.root, chunks.__getitem__))
    told: dict[str, object] = {"chunk_count": len(names)}
    if len(entries) < NAMED_BELOW:
        told["chunks"] = {each: chunks[each].decode() for each in sorted(chunks)}
    elif len(names) < NAMED_BELOW:
        told["chunk_names"] = sorted(names)
    header = chunks[manifest.root].split(b"\n")[0].decode()
    totals = {"entries": manifest.entries, "bytes": manifest.bytes}
    return {"name": name, "why": why, **source, "root": manifest.root, "root_header": header, **totals, **told}


def main() -> None:
    vectors = [
        vector(name, why, [entry(path, content) for path, content in files.items()], {"files": files})
        for name, why, files in SMALL
    ]
    vectors += [
        vector(
            name,
            why,
            formula_entries(count, pattern, width),
            {"formula": {"count": count, "path": pattern, "width": width}},
        )
        for name, why, count, pattern, width in FORMULAS
    ]
    json.dump({"format": 1, "about": ABOUT, "vectors": vectors}, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
