"""The machine: Hypothesis makes up programs, the model says what must come of them, each server is held to it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from lakefs_repro.embedded.store.ranges import is_boundary
from stateful.model import OPAQUE, AmbiguousError, Content, Expected, Model, RefusedError
from stateful.roads import ROADS
from stateful.side import Server, Side

_BIG = 70_000  # above what is packed
# A range of the engine's trees ends after each of these, so that small trees have several ranges.
_BOUNDARIES = [path for path in map("d/{}".format, range(6000)) if is_boundary(path)][:4]
_PATHS = ["a", "a b", "d/", "d/x", "d/y", "\u00e9/\u00fc", "\U0001f600", "zz", *_BOUNDARIES]
_BYTES = {"nothing": b"", "1": b"1", "2": b"2", "33": b"33", "many x": b"x" * _BIG, "many y": b"y" * (_BIG + 1)}
_NEVER_MADE = "nowhere"

# No name may be the beginning of a commit id.
branches = st.sampled_from(["main", "main", "main", "one", "one", "one", "two", "two", "three"])
tags = st.sampled_from(["v1", "v2", "three"])
paths = st.sampled_from(_PATHS)
prefixes = st.sampled_from(["d/", "a", "\u00e9", "d/1"])
numbers = st.integers(0, 60)


def _content(data: str, kind: str, metadata: tuple[tuple[str, str], ...]) -> Content:
    return Content(_BYTES[data], kind, metadata)


contents = st.builds(
    _content,
    st.sampled_from(sorted(_BYTES)),
    st.sampled_from([OPAQUE, OPAQUE, OPAQUE, "text/plain"]),
    st.sampled_from([(), (), (), (("k", "v"),)]),
)
refs = st.one_of(
    branches,
    st.builds("#{}".format, numbers),
    st.builds("{}{}".format, branches, st.sampled_from(["~1", "~2", "^1", "^2", "@"])),
    st.sampled_from(["v1", "v2", _NEVER_MADE]),
)
yes_or_no = st.booleans()
seldom = st.sampled_from([False, False, False, True])


class Machine(RuleBasedStateMachine):
    """Made for given servers by ``machine_on``, which also counts what was really done."""

    servers: ClassVar[Sequence[Server]] = ()
    done: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.model = Model(beside_lakefs=any(not server.is_embedded for server in self.servers))
        self.sides = [Side(server) for server in self.servers]
        self.chance = random.Random(0)
        self.sound = True  # until a difference is found
        self.quiet = 0  # steps since the engine was last started anew
        self.done["examples"] += 1

    def do(self, operation: str, touched: str | None, *arguments: Any, **options: Any) -> None:
        """One operation on the model and on each side; then what it touched is compared."""
        try:
            expected = getattr(self.model, operation)(*arguments, **options)
        except RefusedError as error:
            expected = Expected(error.status)
        except AmbiguousError:
            self.done["ambiguous"] += 1
            return
        self.done["steps"] += 1
        self.done[f"{operation} {expected.status}"] += 1
        self.quiet += 1
        note(f"expected: {expected}")
        self.sound = False
        for side in self.sides:
            answer = getattr(side, operation)(*arguments, **options)
            assert answer.status == expected.status, (
                f"{side.server.engine.name}: {operation}: {answer.status} {answer.data[:300]!r} instead of {expected}"
            )
            if expected.commit is not None:
                side.note_commit(touched)
            side.check_refs(self.model)
            if touched in self.model.branches:
                side.check_branch(self.model, touched)
        self.sound = True

    def number(self, ref: str) -> str:
        """``#60`` may be more than there is."""
        if not ref.startswith("#"):
            return ref
        return f"#{int(ref[1:]) % len(self.model.commits)}"

    @initialize(files=st.dictionaries(paths, contents, min_size=1, max_size=4))
    def begin(self, files: dict[str, Content]) -> None:
        for path, content in files.items():
            self.do("put", "main", "main", path, content)
        self.do("commit", "main", "main", "first", metadata={})
        self.do("create_branch", "one", "one", "main", hidden=False)
        self.do("create_branch", "two", "two", "main", hidden=False)
        self.do("create_tag", None, "v1", "main")

    @rule(branch=branches, path=paths, content=contents, if_absent=seldom)
    def put(self, branch: str, path: str, content: Content, if_absent: bool) -> None:
        self.do("put", branch, branch, path, content, if_absent=if_absent)
        for side in self.sides:
            if branch in self.model.branches:
                side.check_contents(self.model, branch, [path])

    @rule(road=st.sampled_from(sorted(ROADS)), branch=branches, path=paths, content=contents)
    def put_by(self, road: str, branch: str, path: str, content: Content) -> None:
        self.do("put_by", branch, road, branch, path, content)
        self.done[f"by {road}"] += 1
        for side in self.sides:
            if branch in self.model.branches:
                side.check_contents(self.model, branch, [path])

    @rule(branch=branches, path=paths)
    def upload_again(self, branch: str, path: str) -> None:
        """The same bytes, which are no change."""
        if branch in self.model.branches and (content := self.model.tree(branch).get(path)) is not None:
            self.do("put", branch, branch, path, content)

    @rule(branch=branches, path=paths, content=contents)
    def delete_and_put(self, branch: str, path: str, content: Content) -> None:
        self.do("delete", branch, branch, path)
        self.do("put", branch, branch, path, content)

    @rule(branch=branches, path=paths)
    def delete(self, branch: str, path: str) -> None:
        self.do("delete", branch, branch, path)

    @rule(branch=branches, many=st.lists(paths, max_size=5))
    def delete_many(self, branch: str, many: list[str]) -> None:
        self.do("delete_many", branch, branch, many)

    @rule(branch=branches, path=paths, ref=refs, source=paths)
    def copy(self, branch: str, path: str, ref: str, source: str) -> None:
        self.do("copy", branch, branch, path, self.number(ref), source)

    @rule(branch=branches, word=st.sampled_from(["first words", "other words"]), extra=seldom, allow_empty=seldom)
    def commit(self, branch: str, word: str, extra: bool, allow_empty: bool) -> None:
        metadata = {"k": word} if extra else {}
        self.do("commit", branch, branch, word, metadata=metadata, allow_empty=allow_empty)

    @rule(branch=branches, path=paths, content=contents)
    def put_and_commit(self, branch: str, path: str, content: Content) -> None:
        self.do("put", branch, branch, path, content)
        self.do("commit", branch, branch, f"put {path}", metadata={})

    @rule(branch=branches, number=numbers)
    def commit_tree(self, branch: str, number: int) -> None:
        number %= len(self.model.commits)
        if self.model.commits[number].tree:  # an empty one has no id
            self.do("commit_tree", branch, branch, number, "an earlier tree")

    @rule(
        source=refs,
        branch=branches,
        strategy=st.sampled_from(["", "", "", "source-wins", "dest-wins"]),
        squash=seldom,
        allow_empty=seldom,
    )
    def merge(self, source: str, branch: str, strategy: str, squash: bool, allow_empty: bool) -> None:
        source = self.number(source)
        self.do("merge", branch, source, branch, strategy=strategy, squash=squash, allow_empty=allow_empty)

    @rule(branch=branches, other=branches, path=paths, content=contents)
    def diverge_and_merge(self, branch: str, other: str, path: str, content: Content) -> None:
        self.do("put", branch, branch, path, content)
        self.do("commit", branch, branch, "diverge", metadata={})
        self.do("merge", other, branch, other, strategy="", squash=False, allow_empty=False)

    @rule(branch=branches, ref=refs, parent=st.sampled_from([0, 0, 1, 2]), allow_empty=seldom)
    def revert(self, branch: str, ref: str, parent: int, allow_empty: bool) -> None:
        self.do("revert", branch, branch, self.number(ref), parent=parent, allow_empty=allow_empty)

    @rule(branch=branches, ref=refs, parent=st.sampled_from([None, None, None, 0, 1, 2]))
    def cherry_pick(self, branch: str, ref: str, parent: int | None) -> None:
        self.do("cherry_pick", branch, branch, self.number(ref), parent=parent)

    @rule(branch=branches, ref=refs)
    def hard_reset(self, branch: str, ref: str) -> None:
        self.do("hard_reset", branch, branch, self.number(ref))

    @rule(branch=branches)
    def reset(self, branch: str) -> None:
        self.do("reset", branch, branch, "reset", "")

    @rule(branch=branches, path=paths)
    def reset_object(self, branch: str, path: str) -> None:
        self.do("reset", branch, branch, "object", path)

    @rule(branch=branches, prefix=prefixes)
    def reset_prefix(self, branch: str, prefix: str) -> None:
        self.do("reset", branch, branch, "common_prefix", prefix)

    @rule(name=branches, source=refs, hidden=seldom)
    def create_branch(self, name: str, source: str, hidden: bool) -> None:
        self.do("create_branch", name, name, self.number(source), hidden=hidden)

    @rule(name=branches, meant=seldom)
    def delete_branch(self, name: str, meant: bool) -> None:
        if meant:
            self.do("delete_branch", None, name)

    @rule(name=tags, ref=refs)
    def create_tag(self, name: str, ref: str) -> None:
        self.do("create_tag", None, name, self.number(ref))

    @rule(name=tags, meant=seldom)
    def delete_tag(self, name: str, meant: bool) -> None:
        if meant:
            self.do("delete_tag", None, name)

    @rule(left=refs, right=refs)
    def compare(self, left: str, right: str) -> None:
        left, right = self.number(left), self.number(right)
        for kind, of in (("two_dot", self.model.diff), ("three_dot", self.model.diff_of_merge)):
            try:
                expected = of(left, right)
            except (RefusedError, AmbiguousError):
                continue
            self.done[f"compare {kind}"] += 1
            for side in self.sides:
                side.check_diff(kind, left, right, expected)

    @rule(ref=refs, path=paths)
    def look_back(self, ref: str, path: str) -> None:
        ref = self.number(ref)
        try:
            self.model.resolve(ref)
        except RefusedError:
            return
        self.done["look back"] += 1
        for side in self.sides:
            side.check_log(self.model, ref)
            side.check_log(self.model, ref, first_parent=True)
            side.check_log_of(self.model, ref, path)
            side.check_tree(self.model, ref)

    @rule(days=st.sampled_from([1, -1]))
    def collect(self, days: int) -> None:
        """Prepare a garbage collection; it takes nothing away."""
        for side in self.sides:
            if side.server.is_embedded:
                side.check_retained(self.model, days)
                self.done["collections prepared"] += 1

    @precondition(lambda self: self.quiet > 12)
    @rule(kill=yes_or_no)
    def start_anew(self, kill: bool) -> None:
        """Stop the engine, or kill it; everything that it acknowledged is there afterwards."""
        self.quiet = 0
        for side in self.sides:
            if side.server.is_embedded:
                side.server.restart(kill=kill)
                self.done["killed" if kill else "stopped"] += 1
                side.check_everything(self.model, self.chance)

    def teardown(self) -> None:
        for side in self.sides:
            if self.sound:
                side.check_everything(self.model, self.chance)
            side.remove()


def machine_on(*servers: Server) -> type[Machine]:
    """The machine for these servers, with counts of its own."""

    class MachineOnServers(Machine):
        pass

    MachineOnServers.servers = servers
    MachineOnServers.done = Counter()
    return MachineOnServers


def machine_settings(**chosen: Any) -> settings:
    """Nothing is kept between runs, and nothing depends on how quick the machine is."""
    return settings(
        deadline=None,
        database=None,
        print_blob=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        **chosen,
    )
