"""What lakeFS should do, in dictionaries: no storage, no ids, no requests.

Commits are numbered in the order in which they were made; ``#3`` names the third. Every operation says which status
the server must answer, and which commit it has made.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

OPAQUE = "application/octet-stream"
_MODIFIER = re.compile(r"([~^@])(\d*)")


@dataclass(frozen=True)
class Content:
    """An object's bytes and what makes it another one to lakeFS."""

    data: bytes
    type: str = OPAQUE
    metadata: tuple[tuple[str, str], ...] = ()
    upload: int = field(default=0, compare=False)  # every writing makes another object, with the same content or not

    def __repr__(self) -> str:
        shown = repr(self.data) if len(self.data) < 10 else f"{self.data[:1]!r} * {len(self.data)}"
        return f"Content({shown}, {self.type!r}, {self.metadata})"

    @property
    def checksum(self) -> str:
        return hashlib.md5(self.data).hexdigest()


Tree = Mapping[str, Content]


@dataclass(frozen=True)
class Commit:
    number: int
    parents: tuple[int, ...]
    tree: Tree
    message: str
    metadata: Mapping[str, str]
    generation: int = 1


@dataclass
class Branch:
    head: int
    hidden: bool = False
    staged: dict[str, Content | None] = field(default_factory=dict)
    sealed: bool = False


@dataclass(frozen=True)
class Expected:
    """The status to be answered; ``commit`` is the number of the commit that was made."""

    status: int
    commit: int | None = None


class RefusedError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class AmbiguousError(Exception):
    """The outcome is not laid down, or lakeFS itself is of two minds."""


class _ConflictError(Exception):
    pass


Change = tuple[str, str]


class Model:
    """One repository; ``beside_lakefs`` leaves out what the engine is known to do better."""

    def __init__(self, *, beside_lakefs: bool = False) -> None:
        self.beside_lakefs = beside_lakefs
        self.commits = [Commit(0, (), {}, "Repository created", {})]
        self.branches = {"main": Branch(0)}
        self.tags: dict[str, int] = {}
        self._uploads = itertools.count(1)

    # What it shows

    def resolve(self, ref: str) -> int:
        """The number of the commit that an expression names."""
        base = re.split("[~^@]", ref, maxsplit=1)[0]
        if base.startswith("#"):
            found = int(base[1:])
        elif base in self.branches:
            found = self.branches[base].head
        elif base in self.tags:
            found = self.tags[base]
        else:
            raise RefusedError(404)
        for kind, digits in _MODIFIER.findall(ref[len(base) :]):
            found = self._walk(base, found, kind, digits)
        return found

    def _walk(self, base: str, found: int, kind: str, digits: str) -> int:
        if kind == "@":
            if base not in self.branches:
                raise RefusedError(400)
            return found
        parents = self.commits[found].parents
        if kind == "^":
            number = int(digits or 1)
            if number > len(parents):
                raise RefusedError(400)
            return parents[number - 1] if number else found
        for _ in range(int(digits or 1)):
            if not self.commits[found].parents:
                raise RefusedError(404)
            found = self.commits[found].parents[0]
        return found

    def tree(self, ref: str) -> dict[str, Content]:
        """What reading at a ref shows: of a branch, what is staged too."""
        tree = dict(self.commits[self.resolve(ref)].tree)
        if ref in self.branches:
            for path, content in self.branches[ref].staged.items():
                if content is None:
                    tree.pop(path, None)
                else:
                    tree[path] = content
        return tree

    def uncommitted(self, branch: str) -> list[Change]:
        head = self.commits[self.branches[branch].head].tree
        return changes(head, self.tree(branch))

    def log(self, ref: str, *, first_parent: bool = False) -> list[int]:
        """The newest first."""
        if first_parent:
            line = [self.resolve(ref)]
            while parents := self.commits[line[-1]].parents:
                line.append(parents[0])
            return line
        return sorted(self.ancestors(self.resolve(ref)), reverse=True)

    def log_of(self, ref: str, path: str) -> list[int]:
        """The commits with one parent that changed ``path``."""
        found = []
        for number in self.log(ref):
            commit = self.commits[number]
            if len(commit.parents) == 1 and commit.tree.get(path) != self.commits[commit.parents[0]].tree.get(path):
                found.append(number)
        return found

    def ancestors(self, number: int) -> set[int]:
        """All that a commit stands on, and itself."""
        seen, pending = set(), [number]
        while pending:
            one = pending.pop()
            if one not in seen:
                seen.add(one)
                pending.extend(self.commits[one].parents)
        return seen

    def merge_base(self, one: int, other: int) -> int:
        """Where lakeFS sees two histories meet: it walks both back by falling generation, and stops at the first."""
        sides = {one: 1, other: 2}
        if one == other:
            return one
        pending = [one, other]
        while pending:
            pending.sort(key=lambda number: (self.commits[number].generation, number))
            number = pending.pop()
            for parent in self.commits[number].parents:
                if parent not in sides:
                    sides[parent] = sides[number]
                    pending.append(parent)
                elif sides[parent] != sides[number]:
                    return parent
        raise AssertionError("all histories begin with the same commit")

    def diff(self, left: str, right: str) -> list[Change]:
        """Two dots: what turns the left tree into the right."""
        return changes(self.commits[self.resolve(left)].tree, self.commits[self.resolve(right)].tree)

    def diff_of_merge(self, left: str, right: str) -> list[Change]:
        """Three dots: what merging right into left would do."""
        source, destination = self.resolve(right), self.resolve(left)
        base = self.merge_base(destination, source)
        before, theirs, ours = (self.commits[n].tree for n in (base, source, destination))
        shown = []
        for kind, path in changes(before, theirs):
            if ours.get(path) == before.get(path):
                shown.append((kind, path))
            elif ours.get(path) != theirs.get(path):
                shown.append(("conflict", path))
        return shown

    def retained(self, days: int) -> set[int]:
        """What a garbage collection must keep: while all is young, everything; with no days at all, the heads."""
        if days > 0:
            return set(range(len(self.commits)))
        return {branch.head for branch in self.branches.values()}

    # What changes it

    def put(self, branch: str, path: str, content: Content, *, if_absent: bool = False) -> Expected:
        found = self._branch(branch)
        if if_absent and path in self.tree(branch):
            raise RefusedError(412)
        found.staged[path] = self._uploaded(content)
        return Expected(201)

    def put_by(self, road: str, branch: str, path: str, content: Content) -> Expected:
        """By whichever road, the same comes of it."""
        del road
        return self.put(branch, path, content)

    def delete(self, branch: str, path: str) -> Expected:
        found = self._branch(branch)
        if path in found.staged or path in self.commits[found.head].tree:
            found.staged[path] = None
        return Expected(204)

    def delete_many(self, branch: str, paths: Iterable[str]) -> Expected:
        if branch in self.branches:
            for path in paths:
                self.delete(branch, path)
        return Expected(200)

    def copy(self, branch: str, path: str, source_ref: str, source: str) -> Expected:
        self._branch(branch)
        tree = self.tree(source_ref)
        if source not in tree:
            raise RefusedError(404)
        self.branches[branch].staged[path] = self._uploaded(tree[source])
        return Expected(201)

    def commit(self, branch: str, message: str, *, metadata: Mapping[str, str], allow_empty: bool = False) -> Expected:
        found = self._branch(branch)
        if not self.uncommitted(branch) and not allow_empty:
            found.sealed = found.sealed or bool(found.staged)
            raise RefusedError(400)
        return self._advance(branch, self.tree(branch), message, metadata)

    def commit_tree(self, branch: str, number: int, message: str) -> Expected:
        """Commit with the tree of an earlier commit."""
        self._require_clean(branch)
        return self._advance(branch, self.commits[number].tree, message, {})

    def merge(self, source: str, branch: str, *, strategy: str, squash: bool, allow_empty: bool) -> Expected:
        head = self._require_clean(branch)
        theirs = self.resolve(source)
        base = self.merge_base(head, theirs)
        outcome = self._merged(base, theirs, head, strategy, allow_empty=allow_empty)
        if isinstance(outcome, int):
            raise RefusedError(outcome)
        parents = (head,) if squash else (head, theirs)
        metadata = {".lakefs.merge.strategy": strategy or "default"}
        return self._advance(
            branch, outcome, f"Merge '{source}' into '{branch}'", metadata, parents=parents, status=200
        )

    def _merged(self, base: int, source: int, head: int, strategy: str, *, allow_empty: bool) -> Tree | int:
        """The merged tree, or the status of the refusal."""
        if same_tree(self.commits[base].tree, self.commits[source].tree) and not allow_empty:
            return 400
        trees = [self.commits[n].tree for n in (base, source, head)]
        self._require_told_apart(*trees)
        try:
            return merged(*trees, strategy)
        except _ConflictError:
            return 409

    def revert(self, branch: str, ref: str, *, parent: int, allow_empty: bool) -> Expected:
        undone = self.commits[self.resolve(ref)]
        if len(undone.parents) > 1 and not parent:
            raise RefusedError(409)
        if parent > len(undone.parents):
            raise RefusedError(400)
        before = self.commits[undone.parents[max(parent, 1) - 1]] if undone.parents else undone
        head = self.commits[self._require_clean(branch)]
        self._require_told_apart(undone.tree, before.tree, head.tree)
        tree = _applied(undone, before, head)
        if same_tree(tree, head.tree) and not allow_empty:
            if self.beside_lakefs and not same_tree(undone.tree, before.tree):
                raise AmbiguousError  # lakeFS compares how the trees lie in ranges, and may have put them together anew
            raise RefusedError(400)
        return self._advance(branch, tree, f"Revert {ref}", {}, status=204)

    def cherry_pick(self, branch: str, ref: str, *, parent: int | None) -> Expected:
        if parent == 0:
            raise RefusedError(400)
        picked = self.commits[self.resolve(ref)]
        if (len(picked.parents) > 1 and not parent) or (parent or 1) > len(picked.parents):
            raise RefusedError(400)
        if self.beside_lakefs and picked.metadata:
            raise AmbiguousError  # lakeFS then shows the new metadata on the old commit as well, for a while
        before = self.commits[picked.parents[(parent or 1) - 1]]
        head = self.commits[self._require_clean(branch)]
        if same_tree(before.tree, picked.tree):
            raise RefusedError(400)
        self._require_told_apart(before.tree, picked.tree, head.tree)
        tree = _applied(before, picked, head)
        origin = {"cherry-pick-origin": f"#{picked.number}", "cherry-pick-committer": "admin"}
        return self._advance(branch, tree, picked.message, {**picked.metadata, **origin})

    def _require_told_apart(self, base: Tree, source: Tree, destination: Tree) -> None:
        """Leave out what lakeFS merges amiss: an added object with the content of the one that follows in the base.

        It takes such an object for one that was there before, and lets the other side overwrite or delete it.
        """
        if not self.beside_lakefs:
            return
        for path in {*source, *destination} - {*base}:
            following = min((each for each in base if each.encode() > path.encode()), key=str.encode, default=None)
            if following is not None and base[following] in (source.get(path), destination.get(path)):
                raise AmbiguousError

    def hard_reset(self, branch: str, ref: str) -> Expected:
        found = self._branch(branch)
        if self.beside_lakefs and found.sealed:
            # What is staged is no obstacle to lakeFS, except what a reset by prefix or a commit without changes has
            # looked at before: then it says 400, even of equal bytes, and of those that were reset.
            raise AmbiguousError
        found.head = self.resolve(ref)
        return Expected(204)

    def reset(self, branch: str, kind: str, path: str) -> Expected:
        found = self._branch(branch)
        staged = found.staged
        if kind != "object":
            found.sealed = kind == "common_prefix" and (found.sealed or bool(staged))
        kept: Callable[[str], bool] = {
            "reset": lambda _: False,
            "object": lambda other: other != path,
            "common_prefix": lambda other: not other.startswith(path),
        }[kind]
        self.branches[branch].staged = {name: content for name, content in staged.items() if kept(name)}
        return Expected(204)

    def create_branch(self, name: str, source: str, *, hidden: bool) -> Expected:
        if name in self.tags:
            raise RefusedError(409)
        number = self.resolve(source)
        if name in self.branches:
            raise RefusedError(409)
        self.branches[name] = Branch(number, hidden)
        return Expected(201)

    def delete_branch(self, name: str) -> Expected:
        if name == "main":
            raise RefusedError(403)
        self._branch(name)
        del self.branches[name]
        return Expected(204)

    def create_tag(self, name: str, ref: str) -> Expected:
        if name in self.branches:
            raise RefusedError(409)
        number = self.resolve(ref)
        if name in self.tags:
            raise RefusedError(409)
        self.tags[name] = number
        return Expected(201)

    def delete_tag(self, name: str) -> Expected:
        if name not in self.tags:
            raise RefusedError(404)
        del self.tags[name]
        return Expected(204)

    def _uploaded(self, content: Content) -> Content:
        return replace(content, upload=next(self._uploads))

    def _branch(self, name: str) -> Branch:
        if name not in self.branches:
            raise RefusedError(404)
        return self.branches[name]

    def _require_clean(self, branch: str) -> int:
        found = self._branch(branch)
        if self.uncommitted(branch):
            raise RefusedError(400)
        return found.head

    def _advance(
        self,
        branch: str,
        tree: Tree,
        message: str,
        metadata: Mapping[str, str],
        *,
        parents: tuple[int, ...] | None = None,
        status: int = 201,
    ) -> Expected:
        found = self.branches[branch]
        number = len(self.commits)
        parents = parents or (found.head,)
        generation = 1 + max(self.commits[parent].generation for parent in parents)
        made = Commit(number, parents, tree, message, metadata, generation)
        if self.beside_lakefs and any(made == replace(other, number=number) for other in self.commits):
            raise AmbiguousError  # commits that say the same in the same second are one to lakeFS
        self.commits.append(made)
        found.head = number
        found.staged.clear()  # where something else than a commit moves the head, all of it says nothing new
        found.sealed = False
        return Expected(status, number)


def same_tree(one: Tree, other: Tree) -> bool:
    """Whether two trees have one id.

    Where the same content was written twice, lakeFS sees two trees, and the engine does unless it was in one second.
    A repository's first commit has no tree at all, and what merges leave of an emptied one may be that, too.
    """
    if one is other:
        return True
    if one != other:
        return False
    if not one or any(one[path].upload != other[path].upload for path in one):
        raise AmbiguousError
    return True


def _applied(before: Commit, after: Commit, head: Commit) -> Tree:
    """The head's tree with what leads from one commit to the other."""
    try:
        return merged(before.tree, after.tree, head.tree, "")
    except _ConflictError:
        raise RefusedError(409) from None


def changes(before: Tree, after: Tree) -> list[Change]:
    """How the paths differ, in order."""
    found = []
    for path in sorted({*before, *after}, key=str.encode):
        if path not in before:
            found.append(("added", path))
        elif path not in after:
            found.append(("removed", path))
        elif before[path] != after[path]:
            found.append(("changed", path))
    return found


def merged(base: Tree, source: Tree, destination: Tree, strategy: str) -> Tree:
    """The destination with what the source changed."""
    tree = dict(destination)
    for _, path in changes(base, source):
        theirs, ours = source.get(path), destination.get(path)
        if ours is not None and ours == theirs:
            same = ours.upload == theirs.upload
            tree[path] = ours if same else replace(ours, upload=-1 - ours.upload)  # whichever of the two
        elif ours in (base.get(path), theirs) or strategy == "source-wins":
            if theirs is None:
                tree.pop(path, None)
            else:
                tree[path] = theirs
        elif not strategy:
            raise _ConflictError
    return tree
