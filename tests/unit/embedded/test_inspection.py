"""Looking an engine's folder over: every kind of damage is found, and tidying takes waste alone."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakefs_repro.embedded.inspection import check, tidy
from lakefs_repro.embedded.locate import locate
from lakefs_repro.embedded.store import addresses, objects, refs, repositories
from lakefs_repro.embedded.store.engine import Engine
from lakefs_repro.embedded.store.packs import Packs
from lakefs_repro.errors import ConflictError, InvalidError, NotFoundError, RejectedError

from .conftest import open_store

LARGE = 200_000


@pytest.fixture
def root(tmp_path):
    """A folder with three commits, a merge's leftovers, staged changes, small and large blocks; its engine is closed."""
    store = open_store(tmp_path / "root")
    store.put("a", b"one")
    store.put("b", b"two")
    store.put("empty", b"")
    store.commit()
    store.branch("dev", store.head().id)
    for number in range(300):
        store.put(f"many/{number:04}", b"%d" % number * 20)
    put_large(store, "large", b"L" * LARGE)
    store.commit()
    store.put("c", b"staged")
    store.remove("a")
    store.engine.close()
    return store.engine.root


def put_large(store, path, data):
    """As an upload does it: a file of its own."""
    entry = store.entry(path, data)
    file = store.engine.blocks.temporary()
    file.write_bytes(data)
    store.engine.blocks.settle(file, entry.address)

    def stage(connection):
        found = refs.branch(connection, store.repository, "main")
        store.engine.blocks.add_settled(connection, entry.address, len(data))
        store.engine.staging.put(connection, found.id, entry)

    store.engine.writer.submit(stage)


def sql(root, *statements):
    connection = sqlite3.connect(root / "metadata.sqlite")
    for statement in statements:
        connection.execute(*statement if isinstance(statement, tuple) else (statement,))
    connection.commit()
    connection.close()


def place(root, data):
    return locate(root, hashlib.sha256(data).hexdigest())


def kinds(said):
    return sorted({trouble.check for trouble in said.troubles})


def test_what_is_sound_is_said_to_be(root):
    said = check(root, deep=True)
    assert said.ok, said.troubles
    assert (said.repositories, said.commits, said.blocks) == (1, 3, 305)
    assert said.bytes == LARGE + sum(len(b"%d" % n * 20) for n in range(300)) + len(b"one") + len(b"two") + len(
        b"staged"
    )
    assert not said.waste.any


def test_it_can_be_asked_beside_a_running_engine(store):
    store.put("a", b"one")
    store.commit()
    said = check(store.engine.root, deep=True)
    assert said.ok
    assert said.commits == 2
    with pytest.raises(ConflictError, match="already running"):
        tidy(store.engine.root)


def damaged_pack(root):
    found = place(root, b"two")
    with found.file.open("r+b") as file:
        file.seek(found.start)
        file.write(b"TWO")


def short_pack(root):
    found = place(root, b"staged")
    os.truncate(found.file, found.start + 2)


def overlap(root):
    one = place(root, b"one")
    sql(root, ("UPDATE blocks SET start = ? WHERE id = ?", (one.start + 1, hashlib.sha256(b"two").digest())))


def unknown(data):
    return lambda root: sql(root, ("DELETE FROM blocks WHERE id = ?", (hashlib.sha256(data).digest(),)))


DAMAGES = {
    "a lost large block": (lambda root: place(root, b"L" * LARGE).file.unlink(), "blocks", False),
    "a short large block": (lambda root: os.truncate(place(root, b"L" * LARGE).file, 7), "blocks", False),
    "a lost pack": (lambda root: place(root, b"one").file.unlink(), "blocks", False),
    "a short pack": (short_pack, "blocks", False),
    "other bytes": (damaged_pack, "blocks", True),
    "overlapping blocks": (overlap, "blocks", False),
    "an unknown block of a commit": (unknown(b"two"), "blocks", False),
    "an unknown block of a staged change": (unknown(b"staged"), "blocks", False),
    "a lost tree": (lambda root: sql(root, "DELETE FROM metaranges"), "trees", False),
    "a lost range": (lambda root: sql(root, "DELETE FROM ranges"), "trees", False),
    "a tree of noise": (lambda root: sql(root, "UPDATE metaranges SET data = x'00'"), "trees", False),
    "a range of noise": (lambda root: sql(root, "UPDATE ranges SET data = x'5231ffffffff'"), "trees", False),
    "exchanged ranges": (
        lambda root: sql(root, "UPDATE ranges SET data = (SELECT data FROM ranges ORDER BY LENGTH(data) LIMIT 1)"),
        "trees",
        False,
    ),
    "a branch to nowhere": (lambda root: sql(root, "UPDATE branches SET commit_id = 'x' WHERE name = 'dev'"), "refs", False),
    "a tag to nowhere": (lambda root: sql(root, "INSERT INTO tags VALUES (1, 't', 'x')"), "refs", False),
    "a lost parent": (lambda root: sql(root, "DELETE FROM commits WHERE parents = '[]'"), "refs", False),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found(root, name):
    damage, kind, only_deep = DAMAGES[name]
    damage(root)
    assert kind in kinds(check(root, deep=True))
    assert check(root).ok is only_deep
    if not only_deep:
        with pytest.raises(RejectedError, match="not sound"):
            tidy(root)


@pytest.fixture
def closable(tmp_path):
    """A store whose engine the test closes by itself."""
    return open_store(tmp_path / "root")


def link(store, path, address, size=5):
    """As a client does it that is believed."""
    entry = store.entry(path, b"")._replace(address=address, size=size)

    def stage(connection):
        objects.stage(store.engine, connection, store.repository, "main", entry)
        addresses.note_link(store.engine, connection, address)

    store.engine.writer.submit(stage)


def issued(store, path, data=None):
    """A staging address, and its file once a client has written it."""
    address = addresses.issue(store.engine, store.repository, "main", path)
    file = addresses.issued_file(store.engine, address)
    if data is not None:
        file.write_bytes(data)
    return address, file


def sizes_of_a_block(store):
    """The right one comes first, and is not the only one that counts."""
    block = store.put("right", b"ten bytes.").address
    link(store, "wrong", block)
    link(store, "wrong too", block, 99)


def circle(store):
    (store.engine.linked / "circle").symlink_to("circle")
    link(store, "x", "local://circle/x")


CLAIMS = {
    "an address never written": (lambda store: link(store, "x", issued(store, "x")[0]), "linked", 1),
    "an imported file that is gone": (lambda store: link(store, "x", "local:///none/x"), "linked", 1),
    "too long a name": (lambda store: link(store, "x", f"local:///{'x' * 300}"), "linked", 1),
    "links in a circle": (circle, "linked", 1),
    "a block's size": (sizes_of_a_block, "blocks", 2),
    "an unknown tree": (lambda store: store.commit(source_metarange="a" * 64), "trees", 1),
}


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("name", CLAIMS)
def test_what_a_client_claims_is_remarked_and_tidying_goes_on(closable, name, committed):
    claim, kind, count = CLAIMS[name]
    claim(closable)
    if committed and kind != "trees":
        closable.commit()
    closable.engine.close()
    said = check(closable.engine.root, deep=True)
    assert said.ok, said.troubles
    assert [remark.check for remark in said.remarks] == [kind] * count
    assert said.remarked == count
    tidy(closable.engine.root)
    assert check(closable.engine.root).remarked == count


def test_tree_that_was_known_when_it_was_named_and_is_lost_is_damage(closable):
    closable.put("a", b"one")
    old = closable.commit().metarange_id
    closable.put("b", b"two")
    closable.commit()
    closable.commit(source_metarange=old)
    closable.engine.close()
    sql(closable.engine.root, ("DELETE FROM metaranges WHERE id = ?", (old,)))
    said = check(closable.engine.root)
    assert (kinds(said), said.remarks) == (["trees"], [])


LATER = 26 * 60 * 60


def linked_files(store):
    """Files below ``linked/`` by what became of them, and what only a tidying may remove."""
    files = {}
    for path in ("committed", "over", "reset", "staged", "never"):
        address, files[path] = issued(store, path, path.encode() * 1000)
        if path != "never":
            link(store, path, address, files[path].stat().st_size)
        if path == "committed":
            store.commit()
    address, files["over again"] = issued(store, "over", b"second")
    link(store, "over", address)
    for name in ("by hand", "by hand, linked", "by hand, reset"):
        files[name] = files["over"].with_name(name)
        files[name].write_bytes(name.encode())
    link(store, "by another road", "local://repo/data/../data/by hand, linked")
    link(store, "reset, too", "local://repo/data/by hand, reset")
    store.engine.writer.submit(lambda connection: connection.execute("DELETE FROM staged WHERE path LIKE 'reset%'"))
    return files, {"over", "reset", "never", "by hand, reset"}


def test_linked_files_go_once_nothing_names_them_and_they_are_old(closable):
    files, unused = linked_files(closable)
    closable.engine.close()
    root, later = closable.engine.root, time.time() + LATER
    assert not check(root).waste.any
    tidy(root)
    assert all(file.exists() for file in files.values()), "young files may be linked still"

    expected = sum(files[name].stat().st_size for name in unused)
    said = check(root, now=later)
    assert (said.ok, said.remarks) == (True, [])
    assert (said.waste.files, said.waste.bytes) == (len(unused), expected)
    done = tidy(root, now=later)
    assert done.files == len(unused)
    assert done.bytes >= expected
    assert {name for name, file in files.items() if not file.exists()} == unused
    assert not check(root, now=later).waste.any
    with closing(sqlite3.connect(root / "metadata.sqlite")) as connection:
        noted = {name for (name,) in connection.execute("SELECT name FROM linked")}
    assert noted == {
        f"repo/data/{files[name].name}" for name in ("committed", "staged", "over again", "by hand, linked")
    }


@pytest.mark.parametrize("known", [True, False])
def test_linked_files_of_a_folder_that_was_moved_are_kept(closable, tmp_path, known):
    """Their addresses hold the old place, be it known or not: it may be moved back."""
    address, file = issued(closable, "a", b"bytes")
    link(closable, "a", address)
    closable.commit()
    closable.engine.close()
    later = time.time() + LATER
    moved = closable.engine.root.rename(tmp_path / "elsewhere")
    if not known:
        with closing(sqlite3.connect(moved / "metadata.sqlite")) as connection, connection:
            connection.execute("DELETE FROM settings WHERE name = 'homes'")
    said = check(moved, now=later)
    assert (said.ok, said.remarked, said.waste.any) == (True, 0 if known else 1, False)
    tidy(moved, now=later)
    moved.rename(closable.engine.root)
    assert file.read_bytes() == b"bytes"
    assert check(closable.engine.root, now=later).remarks == []


def test_damaged_database_is_found(root):
    file = root / "metadata.sqlite"
    with file.open("r+b") as opened:
        opened.seek(4096 * 3)
        opened.write(b"\xff" * 4096 * 2)
    assert "database" in kinds(check(root))


def test_what_is_no_database(root, tmp_path):
    (root / "metadata.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(InvalidError, match="can't be read as a database"):
        check(root)
    with pytest.raises(NotFoundError, match="holds no data"):
        check(tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(("version", "kind"), [(999, "engine-format-newer"), (1, "engine-format-older")])
def test_another_format(root, version, kind):
    sql(root, f"PRAGMA user_version = {version}")
    with pytest.raises(InvalidError) as caught:
        check(root)
    assert caught.value.kind == kind


def reopened(root):
    return Engine(root, clock=lambda: 1_000_000.0)


def contents(root):
    """Everything that can be read: of each branch with what is staged, by path."""
    engine = reopened(root)
    try:
        found = {}
        with engine.database.snapshot() as connection:
            for (name,) in connection.execute("SELECT name FROM repositories").fetchall():
                repository = repositories.find(connection, name)
                for identifier, tree in connection.execute(
                    "SELECT id, metarange FROM commits WHERE repository = ?", (repository.id,)
                ).fetchall():
                    entries = engine.trees.entries(engine.trees.metarange(tree))
                    found[identifier] = {entry.path: read(engine, entry.address) for entry in entries}
            for path, address in connection.execute("SELECT path, address FROM staged WHERE address IS NOT NULL"):
                found[f"staged {path}"] = read(engine, address)
        return found
    finally:
        engine.close()


def read(engine, block):
    found = engine.blocks.place(block)
    with found.file.open("rb") as file:
        file.seek(found.start)
        data = file.read(found.length)
    assert hashlib.sha256(data).hexdigest() == block
    return data


def waste_some(root):
    """What an upload that was staged over, a reset, a deleted repository and a cut-off upload leave behind."""
    engine = reopened(root)
    store_like = open_again(engine)
    for number in range(200):
        store_like.put(f"w/{number}", os.urandom(2000))
    put_large(store_like, "w/large", os.urandom(LARGE))
    engine.writer.submit(lambda connection: connection.execute("DELETE FROM staged WHERE path LIKE 'w/%'"))
    engine.close()
    cut_off = root / "blocks" / "ab" / ("ab" * 32)
    cut_off.parent.mkdir(exist_ok=True)
    cut_off.write_bytes(b"never named")
    sql(root, "INSERT INTO ranges VALUES ('r', x'00')", "INSERT INTO metaranges VALUES ('m', x'00')")


def open_again(engine):
    from .conftest import Store

    return Store(engine, repositories.find(engine.database.reader(), "repo"))


def test_waste_is_told_and_removed_and_nothing_else(root):
    before = contents(root)
    waste_some(root)
    said = check(root, deep=True)
    assert said.ok
    waste = said.waste
    assert (waste.blocks, waste.ranges, waste.metaranges, waste.files) == (201, 1, 1, 1)
    assert waste.bytes == 200 * 2000 + LARGE + len(b"never named") + 2
    size = sum(file.lstat().st_size for file in root.rglob("*") if file.is_file())
    done = tidy(root)
    assert (done.blocks, done.ranges, done.metaranges, done.packs) == (201, 1, 1, 1)
    assert done.files == 2, "the cut-off upload's, and the large block's"
    after = sum(file.lstat().st_size for file in root.rglob("*") if file.is_file())
    assert size - after >= done.bytes * 0.9 > 500_000
    said = check(root, deep=True)
    assert said.ok
    assert not said.waste.any
    assert contents(root) == before
    assert tidy(root).bytes == 0


def test_the_engine_goes_on_in_a_folder_that_was_tidied(root):
    waste_some(root)
    tidy(root)
    engine = reopened(root)
    store = open_again(engine)
    store.put("after", b"and on")
    store.commit()
    engine.close()
    assert check(root, deep=True).ok
    assert b"and on" in {data for tree in contents(root).values() if isinstance(tree, dict) for data in tree.values()}


@pytest.mark.parametrize("step", range(8))
def test_tidying_that_dies_anywhere_loses_nothing(root, monkeypatch, step):
    """Each time at another of its effects on disk."""
    before = contents(root)
    waste_some(root)
    effects = iter(range(100))

    class DeadError(BaseException):
        pass

    def dying(real):
        def effect(*arguments, **named):
            if next(effects) == step:
                raise DeadError
            return real(*arguments, **named)

        return effect

    monkeypatch.setattr(os, "fsync", dying(os.fsync))
    monkeypatch.setattr("pathlib.Path.unlink", dying(__import__("pathlib").Path.unlink))
    with pytest.raises(DeadError) if step < 5 else WhatComes():
        tidy(root)
    monkeypatch.undo()
    assert check(root, deep=True).ok
    assert contents(root) == before
    tidy(root)
    assert not check(root, deep=True).waste.any
    assert contents(root) == before


class WhatComes:
    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        return kind is not None and kind.__name__ == "DeadError"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "large", "remove", "commit", "reset", "tidy"]), st.integers(0, 6)),
        max_size=25,
    )
)
def test_whatever_was_done_before_all_is_sound_and_stays(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("any") / "root"
    store = open_store(folder)
    for what, number in steps:
        if what == "put":
            store.put(f"p{number % 3}", b"%d" % number * 500)
        elif what == "large":
            put_large(store, f"p{number % 3}", b"%d" % number * 70_000)
        elif what == "remove":
            store.remove(f"p{number % 3}")
        elif what == "commit":
            store.commit(allow_empty=True)
        elif what == "reset":
            store.engine.writer.submit(lambda connection: connection.execute("DELETE FROM staged"))
        else:
            store.engine.close()
            before = contents(folder)
            tidy(folder)
            assert contents(folder) == before
            store = open_again(reopened(folder))
    store.engine.close()
    said = check(folder, deep=True)
    assert said.ok, said.troubles
    assert not said.remarks
    before = contents(folder)
    tidy(folder)
    assert contents(folder) == before
    assert not check(folder).waste.any


def test_a_pack_may_be_named_like_nothing_we_know(root):
    (root / "packs" / "notes.pack").write_bytes(b"x")
    waste_some(root)
    tidy(root)
    assert check(root, deep=True).ok
    assert Packs.__doc__
