"""Checks of versions: each tag at its merge, each pin at the very ingest commit, each record in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lakefs_repro.doctor.finding import Finding, Repair
from lakefs_repro.doctor.ingests import ingest_owner
from lakefs_repro.doctor.lease import Leases
from lakefs_repro.doctor.survey import Merge, Named, Survey
from lakefs_repro.errors import LakefsReproError, NotFoundError
from lakefs_repro.lake.values import Commit
from lakefs_repro.model.annotation import Annotation, is_annotation
from lakefs_repro.model.names import pin_branch, tag_name
from lakefs_repro.model.version import Version
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line, foreign_changes

_REPAIRS = "`lakefs-repro doctor --repair` "


@dataclass(frozen=True)
class VersionChecks:
    """The checks of one dataset's versions against one survey."""

    ctx: Context
    survey: Survey
    leases: Leases
    dataset: str

    def run(self) -> Iterator[Finding]:
        """Everything that is not as it should be, or one sentence that all is well."""
        found = [*self._tagged(), *self._untagged(), *self._pins_alone()]
        yield from found
        if all(f.state == "ok" for f in found):
            count = sum(1 for dataset, _ in self.survey.tags if dataset == self.dataset)
            said = f"{count} version{'s' if count != 1 else ''}, each tagged, pinned and recorded"
            yield Finding("version", "ok", f"{self.dataset}: {said if count else 'no version yet'}.")

    def _tagged(self) -> Iterator[Finding]:
        mine = [(version, tag) for (dataset, version), tag in self.survey.tags.items() if dataset == self.dataset]
        for version, tag in sorted(mine, key=lambda each: Version(each[0])):
            merge, wrong = self._merge_behind(version, tag)
            if wrong:
                yield wrong
            if merge:
                yield from self._pin_of(merge)
                yield from self._record_of(merge)

    def _merge_behind(self, version: str, tag: str) -> tuple[Merge | None, Finding | None]:
        """The merge that a tag promises, if it is worth trusting, and otherwise what is wrong with it."""
        merge = self.survey.held_at(self.dataset, tag)
        name = tag_name(self.dataset, version)
        if merge is None or merge.version != version:
            return None, self._untrue_tag(version, tag, merge)
        if merge.commit == tag:
            return merge, None
        if self._differs(merge, tag):
            message = f"The tag {name} stands at {tag[:12]}, where another client had changed {self.dataset} after "
            return None, Finding("version", "problem", f"{message}its merge {merge.commit[:12]}.", self._remake(merge))
        return merge, None

    def _differs(self, merge: Merge, ref: str) -> bool:
        made = self.ctx.repository.commits.get(merge.made)
        return bool(foreign_changes(self.ctx, Line(self.dataset, ref, made, Annotation.decode(made.metadata))))

    def _untrue_tag(self, version: str, tag: str, merge: Merge | None) -> Finding:
        name, main = tag_name(self.dataset, version), self.ctx.main
        right = next((m for m in self.survey.merges.get(self.dataset, ()) if m.version == version), None)
        if merge:
            what = f"at {tag[:12]}, which holds {self.dataset}@{merge.version}: somebody deleted it and made it again"
        elif tag in self.survey.positions:
            what = f"at {tag[:12]}, where {main} held nothing of {self.dataset} yet: somebody made it by hand"
        else:
            what = f"at {tag[:12]}, which is no commit of {main}: somebody made it by hand, or reset {main}"
        hint = self._remake(right) if right else f"if nobody needs it: `lakectl tag delete {self._uri(name)}`"
        return Finding("version", "problem", f"The tag {name} stands {what}.", hint)

    def _remake(self, merge: Merge) -> str:
        uri = self._uri(tag_name(self.dataset, merge.version))
        return (
            f"see who did it; to put it back: `lakectl tag delete {uri}`, "
            f"then `lakectl tag create {uri} {self._uri(merge.commit)}`"
        )

    def _uri(self, ref: str) -> str:
        return f"lakefs://{self.ctx.repository.name}/{ref}"

    def _pin_of(self, merge: Merge) -> Iterator[Finding]:
        named = (self.dataset, merge.version)
        pin, name = self.survey.pins.get(named), pin_branch(*named)
        if pin == merge.made:
            return
        spoken = f"{self.dataset}@{merge.version}"
        if pin is None:
            yield Finding(
                "pin",
                "problem",
                f"{spoken} has no pin: garbage collection will take its data, though the tag stays.",
                f"{_REPAIRS}makes it again, and says whether the data is still there",
                Repair("create-pin", f"make {name} at the ingest commit {merge.made[:12]}", dataset=self.dataset,
                       version=merge.version, commit=merge.made),
            )  # fmt: skip
            return
        rival = self.survey.merge_of(pin)
        if rival and (rival.dataset, rival.version) == named:
            yield Finding(
                "pin",
                "problem",
                f"The tag and the pin of {spoken} disagree: the tag is at the merge of {merge.made[:12]}, the pin at "
                f"{pin[:12]}, which {self.ctx.main} got as the same version. The tag was probably made again.",
                f"see who merged {merge.commit[:12]} and {rival.commit[:12]}, and which of them is right",
            )
            return
        head = self._commit(pin)
        who = f" by {head.committer!r} ({head.message!r})" if head else ""
        yield Finding(
            "pin",
            "problem",
            f"The pin of {spoken} was moved: it keeps {pin[:12]}{who}, not the ingest commit {merge.made[:12]}, "
            "whose data garbage collection will take.",
            f"{_REPAIRS}puts it back, if the data is still there",
            Repair(
                "move-pin",
                f"delete {name} and make it again at the ingest commit {merge.made[:12]}; {pin[:12]} is then kept by "
                "no pin",
                dataset=self.dataset,
                version=merge.version,
                commit=merge.made,
            ),
        )

    def _record_of(self, merge: Merge) -> Iterator[Finding]:
        if merge.ingest in self.survey.records or (self.dataset, merge.ingest) in self.survey.ingests:
            return
        if self._live(merge.ingest):
            return
        yield Finding(
            "record",
            "problem",
            f"The ledger has no record of {self.dataset}@{merge.version}, so its lineage would go with its data.",
            f"{_REPAIRS}writes it again from the commits",
            Repair("record", f"write the ledger's record {merge.ingest}", dataset=self.dataset, version=merge.version,
                   ingest=merge.ingest, commit=merge.made),
        )  # fmt: skip

    def _untagged(self) -> Iterator[Finding]:
        merges = self.survey.merges.get(self.dataset, ())
        for place, merge in enumerate(merges):
            named = (self.dataset, merge.version)
            if named in self.survey.tags or (self.dataset, merge.ingest) in self.survey.ingests:
                continue
            if self._live(merge.ingest) or self._tagged_meanwhile(named):
                continue
            if place == 0 or self.survey.pins.get(named) == merge.made:
                yield self._unfinished(merge)
            else:
                yield self._removed(merge)

    def _unfinished(self, merge: Merge) -> Finding:
        spoken = f"{self.dataset}@{merge.version}"
        return Finding(
            "version",
            "problem",
            f"{self.ctx.main} holds {spoken} (merge {merge.commit[:12]}), but there is no tag of it: its ingest died "
            "before, or somebody deleted the tag.",
            f"{_REPAIRS}tags and records it",
            Repair("finish", f"pin, tag and record {spoken} at {merge.commit[:12]}", dataset=self.dataset,
                   version=merge.version, ingest=merge.ingest, commit=merge.made),
        )  # fmt: skip

    def _removed(self, merge: Merge) -> Finding:
        tag, pin = tag_name(self.dataset, merge.version), pin_branch(self.dataset, merge.version)
        return Finding(
            "version",
            "warning",
            f"{self.dataset}@{merge.version} was merged ({merge.commit[:12]}), but has neither tag nor pin any more: "
            "somebody removed both.",
            f"if that was not wanted: `lakectl branch create {self._uri(pin)} --source {self._uri(merge.made)}`, then "
            f"`lakectl tag create {self._uri(tag)} {self._uri(merge.commit)}`",
        )

    def _pins_alone(self) -> Iterator[Finding]:
        merged = {m.version for m in self.survey.merges.get(self.dataset, ())}
        for (dataset, version), head in self.survey.pins.items():
            if dataset != self.dataset or (dataset, version) in self.survey.tags:
                continue
            said = self._said(head)
            if said is None or (said.dataset, said.version) != (dataset, version):
                if version not in merged:
                    yield self._foreign_pin(version, head)
                continue
            if self.survey.merge_of(head) or (dataset, said.ingest) in self.survey.ingests:
                continue  # looked at as a merge, or as an ingest
            yield from self._reserved(version, said.ingest)

    def _reserved(self, version: str, ulid: str) -> Iterator[Finding]:
        spoken, name = f"{self.dataset}@{version}", pin_branch(self.dataset, version)
        owner = ingest_owner(self.ctx, self.leases, self.dataset, ulid)
        if owner.state == "live" or self._tagged_meanwhile((self.dataset, version)):
            return
        if not owner.gone:
            until = f"{owner.until:%Y-%m-%d %H:%M} UTC" if owner.until else "its lease runs out"
            yield Finding(
                "pin",
                "warning",
                f"{spoken} is reserved by the ingest {ulid}, which was not merged and may be alive elsewhere.",
                f"wait until {until}",
            )
            return
        yield Finding(
            "pin",
            "warning",
            f"{spoken} is reserved by the ingest {ulid}, which was never merged and is gone.",
            f"{_REPAIRS}gives the version back",
            Repair("release-pin", f"delete {name}", dataset=self.dataset, version=version, ingest=ulid),
        )

    def _foreign_pin(self, version: str, head: str) -> Finding:
        name = pin_branch(self.dataset, version)
        commit = self._commit(head)
        who = f", made by {commit.committer!r} ({commit.message!r})" if commit else ""
        return Finding(
            "pin",
            "warning",
            f"{name} is no pin of ours: it stands at {head[:12]}{who}, and there is no {self.dataset}@{version}.",
            f"if nobody needs it: `lakectl branch delete {self._uri(name)}`",
        )

    def _live(self, ulid: str) -> bool:
        return self.leases.owner(ulid).state == "live"

    def _tagged_meanwhile(self, named: Named) -> bool:
        try:
            self.ctx.repository.tags.get(tag_name(*named))
        except NotFoundError:
            return False
        return True

    def _commit(self, commit: str) -> Commit | None:
        try:
            return self.ctx.repository.commits.get(commit)
        except NotFoundError:
            return None

    def _said(self, commit: str) -> Annotation | None:
        found = self._commit(commit)
        if found is None or not is_annotation(found.metadata):
            return None
        try:
            return replace(Annotation.decode(found.metadata), extra={})
        except LakefsReproError:
            return None
