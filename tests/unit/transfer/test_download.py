"""Nothing gets its name before its bytes were found right, whatever breaks on the way."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace

import pytest
from support.forging import delete, flip_bit, truncate
from support.lakes import make_context

from lakefs_repro.errors import IntegrityError, NotFoundError, UnavailableError
from lakefs_repro.lake.wire import Retry
from lakefs_repro.testing.faults import FaultPlan, FaultProxy
from lakefs_repro.transfer.download import SMALL, Download, Downloader, Wanted

LARGE = 3 << 20


@pytest.fixture
def store(engine, tmp_path):
    """Puts objects into a repository and gives back what they are, with the commit."""
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    return Store(ctx, engine)


@pytest.fixture
def own_store(fresh_engine, tmp_path):
    """The same on an engine that may be damaged."""
    ctx = make_context(fresh_engine, fresh_engine.new_repository(), tmp_path / "state")
    return Store(ctx, fresh_engine)


class Store:
    def __init__(self, ctx, engine):
        self.ctx, self.engine = ctx, engine

    def keep(self, *contents: bytes):
        objects = self.ctx.repository.objects
        wanted = []
        for number, data in enumerate(contents):
            objects.put("main", f"d/{number}", data)
            wanted.append(Wanted(f"d/{number}", len(data), hashlib.sha256(data).hexdigest()))
        return self.ctx.repository.commits.create("main", "objects").id, wanted

    def downloader(self, *, url="", bulk=True, threads=4):
        ctx = make_context(self.engine, self.ctx.repository.name, self.ctx.state, url=url)
        server = ctx.server if bulk else replace(ctx.server, extensions={})
        return Downloader(ctx.repository.objects, server, threads=threads, retry=Retry(sleep=lambda _: None))


def downloads(folder, wanted):
    (folder / "parts").mkdir(parents=True, exist_ok=True)
    return [Download(one, folder / "tree" / one.path, folder / "parts" / str(n)) for n, one in enumerate(wanted)]


def saved(folder):
    tree = folder / "tree"
    return {p.relative_to(tree).as_posix(): p.read_bytes() for p in tree.rglob("*") if p.is_file()}


def ranges_asked(engine_root):
    lines = (engine_root / "access.log").read_text().splitlines()
    return [line for line in lines if " GET " in line and "objects?path=d" in line]


@pytest.mark.parametrize("bulk", [True, False])
@pytest.mark.parametrize("durable", [True, False])
def test_saves_empty_small_and_large_objects(store, tmp_path, bulk, durable):
    contents = [b"", b"x", os.urandom(SMALL), os.urandom(SMALL + 1), os.urandom(LARGE)] + [
        b"%d" % n for n in range(500)
    ]
    commit, wanted = store.keep(*contents)
    done = []
    store.downloader(bulk=bulk).save(commit, downloads(tmp_path, wanted), done=done.append, durable=durable)
    assert saved(tmp_path) == {f"d/{n}": data for n, data in enumerate(contents)}
    assert list((tmp_path / "parts").iterdir()) == []
    assert sorted(d.wanted.path for d in done) == sorted(w.path for w in wanted)


def test_a_connection_cut_in_the_middle_is_taken_up_where_it_broke(store, tmp_path):
    data = os.urandom(LARGE)
    commit, wanted = store.keep(data)
    with FaultProxy(store.engine.endpoint, FaultPlan("cut cut drop", path="/objects\\?")) as proxy:
        store.downloader(url=proxy.url).save(commit, downloads(tmp_path, wanted))
        asked = sum("/objects?" in path for _, path in proxy.log)
    assert saved(tmp_path) == {"d/0": data}
    assert asked == 4


def test_a_bulk_answer_cut_in_the_middle_is_completed(store, tmp_path):
    contents = [os.urandom(100) for _ in range(50)]
    commit, wanted = store.keep(*contents)
    with FaultProxy(store.engine.endpoint, FaultPlan("cut", path="/objects")) as proxy:
        store.downloader(url=proxy.url).save(commit, downloads(tmp_path, wanted))
    assert saved(tmp_path) == {f"d/{n}": data for n, data in enumerate(contents)}


def test_what_a_killed_download_left_is_gone_on_from(own_store, tmp_path):
    data = os.urandom(LARGE)
    commit, wanted = own_store.keep(data)
    todo = downloads(tmp_path, wanted)
    todo[0].part.write_bytes(data[: 2 << 20])
    own_store.downloader().save(commit, todo)
    assert saved(tmp_path) == {"d/0": data}
    (line,) = ranges_asked(own_store.engine.root)
    assert line.split()[-1] == str(1 << 20), "only the last MiB was sent"


@pytest.mark.parametrize("left", [b"something else entirely", b"x" * (LARGE + 1)])
def test_a_part_that_is_not_the_beginning_is_dropped(store, tmp_path, left):
    data = os.urandom(LARGE)
    commit, wanted = store.keep(data)
    todo = downloads(tmp_path, wanted)
    todo[0].part.write_bytes(left)
    store.downloader().save(commit, todo)
    assert saved(tmp_path) == {"d/0": data}


@pytest.mark.parametrize("size", [100, LARGE])
@pytest.mark.parametrize("bulk", [True, False])
@pytest.mark.parametrize(
    ("damage", "kinds"),
    [(flip_bit, {"hash-mismatch"}), (truncate, {"truncated", "object-gone"}), (delete, {"object-gone"})],
)
def test_damage_in_the_store_is_named_and_nothing_wrong_is_written(own_store, tmp_path, damage, kinds, size, bulk):
    data, other = os.urandom(size), os.urandom(50)
    commit, wanted = own_store.keep(other, data)
    damage(own_store.engine.root, data)
    with pytest.raises(IntegrityError, match="d/1") as caught:
        own_store.downloader(bulk=bulk, threads=1).save(commit, downloads(tmp_path, wanted[1:]))
    assert caught.value.kind in kinds
    assert saved(tmp_path) == {}
    assert list((tmp_path / "parts").iterdir()) == []

    outcomes = dict(own_store.downloader(bulk=bulk).check(commit, wanted))
    assert outcomes[wanted[1]].kind in kinds


@pytest.mark.parametrize("size", [100, LARGE])
def test_other_bytes_or_another_size_than_promised(store, tmp_path, size):
    commit, (wanted,) = store.keep(os.urandom(size))
    for wrong, kind in (
        (replace(wanted, sha256="0" * 64), "hash-mismatch"),
        (replace(wanted, size=size - 1), "size-mismatch"),
    ):
        with pytest.raises(IntegrityError) as caught:
            store.downloader().save(commit, downloads(tmp_path, [wrong]))
        assert caught.value.kind == kind
        assert saved(tmp_path) == {}
        ((_, error),) = store.downloader().check(commit, [wrong])
        assert error.kind == kind


def test_a_path_that_is_not_there(store, tmp_path):
    commit, wanted = store.keep(b"1", b"2")
    missing = Wanted("d/none", 1, "0" * 64)
    with pytest.raises(NotFoundError):
        store.downloader().save(commit, downloads(tmp_path, [missing]))
    outcomes = dict(store.downloader().check(commit, [*wanted, missing]))
    assert [type(error) for error in outcomes.values()].count(NotFoundError) == 1
    assert outcomes[wanted[0]] is None


def test_a_server_that_is_not_there_says_nothing_about_objects(store):
    commit, wanted = store.keep(b"1", b"2", os.urandom(LARGE))
    with FaultProxy(store.engine.endpoint, FaultPlan("")) as proxy:
        downloader = store.downloader(url=proxy.url)
    with pytest.raises(UnavailableError):
        list(downloader.check(commit, wanted))


@pytest.mark.parametrize("size", [0, 100, LARGE])
def test_open_gives_the_bytes_and_survives_a_cut(store, size):
    data = os.urandom(size)
    commit, (wanted,) = store.keep(data)
    with (
        FaultProxy(store.engine.endpoint, FaultPlan("cut", path="/objects\\?")) as proxy,
        store.downloader(url=proxy.url).open(commit, wanted) as file,
    ):
        assert file.read(10) == data[:10]
        assert file.read() == data[10:]


def test_open_refuses_to_give_out_the_end_of_other_bytes(own_store):
    data = os.urandom(LARGE)
    commit, (wanted,) = own_store.keep(data)
    flip_bit(own_store.engine.root, data)
    with own_store.downloader().open(commit, wanted) as file:
        assert len(file.read(1 << 20)) == 1 << 20
        with pytest.raises(IntegrityError) as caught:
            file.read()
    assert caught.value.kind == "hash-mismatch"
    assert "d/0" in caught.value.message
