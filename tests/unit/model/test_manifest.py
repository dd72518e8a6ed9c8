from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from lakefs_repro.errors import IntegrityError, InvalidError
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.manifest import MANIFEST_FANOUT, Manifest, build, find, iter_chunk_names, iter_entries

HASH = "ab" * 32
VECTORS = json.loads((Path(__file__).parents[2] / "data/manifests/vectors.json").read_text(encoding="utf-8"))["vectors"]


def contents_of(vector):
    if "files" in vector:
        return {path: content.encode() for path, content in vector["files"].items()}
    formula = vector["formula"]
    return {
        formula["path"].replace("{number}", f"{number:0{formula['width']}}"): b"%d" % number
        for number in range(formula["count"])
    }


def entries_of(contents):
    return [Entry(path, len(data), hashlib.sha256(data).hexdigest()) for path, data in contents.items()]


def numbered(count):
    return [Entry(f"f{number:06d}", number, hashlib.sha256(b"%d" % number).hexdigest()) for number in range(count)]


def stored(entries):
    chunks = {}
    return build(entries, chunks.__setitem__), chunks


def put(chunks, text):
    data = text.encode() if isinstance(text, str) else text
    name = hashlib.sha256(data).hexdigest()
    chunks[name] = data
    return name


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_published_vectors_hold(vector):
    entries = entries_of(contents_of(vector))
    manifest, chunks = stored(entries)
    assert (manifest.root, manifest.entries, manifest.bytes) == (vector["root"], vector["entries"], vector["bytes"])
    assert chunks[manifest.root].decode().partition("\n")[0] == vector["root_header"]
    assert len(chunks) == len(manifest.chunks) == vector["chunk_count"]
    if "chunks" in vector:
        assert {name: data.decode() for name, data in chunks.items()} == vector["chunks"]
    if "chunk_names" in vector:
        assert sorted(chunks) == vector["chunk_names"]
    assert list(iter_entries(manifest.root, chunks.__getitem__)) == sorted(entries, key=lambda one: one.path.encode())
    assert sorted(iter_chunk_names(manifest.root, chunks.__getitem__)) == sorted(chunks)


def test_the_empty_snapshot_is_one_leaf():
    manifest, chunks = stored([])
    assert chunks == {manifest.root: b"lakefs-repro manifest 1 leaf\n"}
    assert manifest == Manifest(hashlib.sha256(b"lakefs-repro manifest 1 leaf\n").hexdigest(), 0, 0, (manifest.root,))
    assert list(iter_entries(manifest.root, chunks.__getitem__)) == []
    assert find(manifest.root, chunks.__getitem__, "a") is None


def test_chunks_close_where_the_paths_say():
    assert MANIFEST_FANOUT == 512
    _, chunks = stored(numbered(5000))
    leaves = [data.decode() for data in chunks.values() if data.startswith(b"lakefs-repro manifest 1 leaf")]
    lasts = sorted(leaf.splitlines()[-1].split(" ")[2] for leaf in leaves)
    closing = [
        entry.path
        for entry in numbered(5000)
        if int.from_bytes(hashlib.sha256(b"lakefs-repro boundary 1 0\n" + entry.path.encode()).digest()[:4], "big")
        < 2**32 // 512
    ]
    assert lasts == sorted({*closing, "f004999"})


def test_chunks_are_handed_out_children_first():
    seen = set()

    def sink(name, data):
        assert {line[:64] for line in data.decode().splitlines()[1:] if " node " in data.decode()[:40]} <= seen
        seen.add(name)

    manifest = build(iter(numbered(3000)), sink, presorted=True)
    assert seen == set(manifest.chunks)


def test_presorted_entries_are_streamed():
    alive = []

    def entries():
        for number, entry in enumerate(numbered(20_000)):
            alive.append(number - handed_out[0])
            yield entry

    handed_out = [0]

    def sink(_name, data):
        if data.startswith(b"lakefs-repro manifest 1 leaf"):
            handed_out[0] += data.count(b"\n") - 1

    build(entries(), sink, presorted=True)
    assert handed_out[0] == 20_000
    assert max(alive) < 20_000 / 3


@pytest.mark.parametrize("presorted", [True, False])
def test_a_path_twice_is_refused(presorted):
    with pytest.raises(InvalidError, match="'b' comes twice"):
        build([Entry("a", 0, HASH), Entry("b", 0, HASH), Entry("b", 1, HASH)], presorted=presorted)


def test_wrong_order_is_refused_when_presorted():
    with pytest.raises(InvalidError, match="'a' comes after 'b'"):
        build([Entry("b", 0, HASH), Entry("a", 0, HASH)], presorted=True)


@pytest.mark.parametrize(
    ("entry", "match"),
    [
        (Entry("", 0, HASH), "empty path"),
        (Entry("\udcff", 0, HASH), "not valid UTF-8"),
        (Entry("a", -1, HASH), "size"),
        (Entry("a", 0, "x"), "SHA-256"),
    ],
)
def test_bad_entries_are_refused(entry, match):
    with pytest.raises(InvalidError, match=match):
        build([entry])


def test_too_many_bytes_are_refused():
    with pytest.raises(InvalidError, match=r"2\^63"):
        build([Entry("a", 2**63 - 1, HASH), Entry("b", 1, HASH)])


def test_a_prefix_reads_only_what_holds_it():
    manifest, chunks = stored(numbered(20_000))
    reads = []

    def read(name):
        reads.append(name)
        return chunks[name]

    found = list(iter_entries(manifest.root, read, prefix="f0100"))
    assert [entry.path for entry in found] == [f"f0100{number:02d}" for number in range(100)]
    assert len(reads) <= 4
    assert list(iter_entries(manifest.root, read, prefix="z")) == []


def test_find_reads_one_chunk_a_level():
    manifest, chunks = stored(numbered(20_000))
    reads = []

    def read(name):
        reads.append(name)
        return chunks[name]

    assert find(manifest.root, read, "f012345") == numbered(12_346)[-1]
    assert len(reads) == 2
    assert find(manifest.root, read, "f012345x") is None
    assert find(manifest.root, read, "") is None
    assert find(manifest.root, read, "zzz") is None


def test_names_of_chunks_are_listed_without_reading_leaves():
    manifest, chunks = stored(numbered(5000))
    reads = []

    def read(name):
        reads.append(name)
        return chunks[name]

    assert sorted(iter_chunk_names(manifest.root, read)) == sorted(manifest.chunks)
    assert reads == [manifest.root]


def test_a_missing_chunk_is_the_readers_error():
    manifest, chunks = stored(numbered(2000))
    del chunks[manifest.chunks[0]]
    with pytest.raises(KeyError, match=manifest.chunks[0]):
        list(iter_entries(manifest.root, chunks.__getitem__))


LEAF = "lakefs-repro manifest 1 leaf\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no manifest header"),
        ("lakefs-repro manifest 2 leaf\n", "no manifest header"),
        ("lakefs-repro manifest 1 leaf", "no manifest header"),
        ("lakefs-repro manifest 1 node 0\n", "no manifest header"),
        ("lakefs-repro manifest 1 node 01\n", "no manifest header"),
        ("lakefs-repro manifest 1 node 1\n", "without children"),
        (f"lakefs-repro manifest 1 node 1\n{HASH} 1 0 a\n", "one child only"),
        (f"lakefs-repro manifest 1 node 1\n{HASH} 0 0 a\n{HASH} 1 0 b\n", "malformed"),
        (LEAF + "\n", "malformed"),
        (f"{LEAF}{HASH} 0 a", "malformed"),
        (f"{LEAF}{HASH} 0 a\n\n", "malformed"),
        (f"{LEAF}{HASH} 00 a\n", "malformed"),
        (f"{LEAF}{HASH} 01 a\n", "malformed"),
        (f"{LEAF}{HASH} +1 a\n", "malformed"),
        (f"{LEAF}{HASH} -1 a\n", "malformed"),
        (f"{LEAF}{HASH} ١ a\n", "malformed"),
        (f"{LEAF}{HASH} 0 \n", "malformed"),
        (f"{LEAF}{HASH} 0  a\n\r", "malformed"),
        (f"{LEAF}{HASH}  0 a\n", "malformed"),
        (f"{LEAF}{HASH.upper()} 0 a\n", "malformed"),
        (f"{LEAF}{HASH[1:]} 0 a\n", "malformed"),
        (f"{LEAF}{HASH} 0 a\\\n", "malformed"),
        (f"{LEAF}{HASH} 0 a\\t\n", "malformed"),
        (f"{LEAF}{HASH} 0 a\r\n", "malformed"),
        (f"{LEAF}{HASH} {2**63} a\n", "2^63"),
        (f"{LEAF}{HASH} {10**19} a\n", "malformed"),
        (f"{LEAF}{HASH} 0 b\n{HASH} 0 a\n", "out of order"),
        (f"{LEAF}{HASH} 0 a\n{HASH} 0 a\n", "out of order"),
        (f"{LEAF}{HASH} 0 file-10230\n{HASH} 0 file-2\n", "goes on after the boundary"),
        (LEAF.encode() + HASH.encode() + b" 0 \xff\n", "not UTF-8"),
        (LEAF.encode() + HASH.encode() + b" 0 \xed\xa0\x80\n", "not UTF-8"),
    ],
)
def test_what_breaks_the_format_is_refused_though_its_hash_is_right(text, why):
    chunks = {}
    name = put(chunks, text)
    with pytest.raises(IntegrityError, match=f"{name}.*{re.escape(why)}") as caught:
        list(iter_entries(name, chunks.__getitem__))
    assert caught.value.kind == "manifest-corrupt"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (" 2 4 ", " 1 4 "),
        (" 2 4 ", " 2 5 "),
        ("file-582", "file-583"),
        ("file-582", "file-3"),
        (" 2 4 file-582", " 2 4 file-10230"),
    ],
)
def test_a_parent_that_lies_about_its_child_is_refused(old, new):
    _, chunks = stored(entries_of({"file-2": b"2", "file-582": b"582", "file-9": b"9"}))
    (text,) = [data.decode() for data in chunks.values() if b" node " in data]
    assert old in text
    name = put(chunks, text.replace(old, new))
    with pytest.raises(IntegrityError):
        list(iter_entries(name, chunks.__getitem__))


def test_a_tree_cut_elsewhere_is_refused():
    chunks = {}
    left, right = put(chunks, f"{LEAF}{HASH} 1 a\n"), put(chunks, f"{LEAF}{HASH} 1 b\n")
    root = put(chunks, f"lakefs-repro manifest 1 node 1\n{left} 1 1 a\n{right} 1 1 b\n")
    with pytest.raises(IntegrityError, match=f"{left}.*ends before a boundary"):
        list(iter_entries(root, chunks.__getitem__))


def test_a_child_of_another_kind_is_refused():
    chunks = {}
    deep = put(chunks, f"lakefs-repro manifest 1 node 1\n{HASH} 1 1 file-582\n")
    leaf = put(chunks, f"{LEAF}{HASH} 1 file-9\n")
    root = put(chunks, f"lakefs-repro manifest 1 node 1\n{deep} 1 1 file-582\n{leaf} 1 1 file-9\n")
    with pytest.raises(IntegrityError, match=f"{deep}.*does not begin with"):
        list(iter_entries(root, chunks.__getitem__))


def test_an_empty_leaf_is_a_root_only():
    chunks = {}
    empty, leaf = put(chunks, LEAF), put(chunks, f"{LEAF}{HASH} 1 file-9\n")
    root = put(chunks, f"lakefs-repro manifest 1 node 1\n{empty} 1 1 file-582\n{leaf} 1 1 file-9\n")
    with pytest.raises(IntegrityError, match=empty):
        list(iter_entries(root, chunks.__getitem__))
