"""What to type next, and how versions are kept and let go: by approach."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lakefs_repro.advice.amounts import DAYS_A_MONTH, days_of
from lakefs_repro.advice.approaches import ApproachName
from lakefs_repro.advice.project import Project

__all__ = ["next_commands", "retention"]

_UNNAMED_DAYS: Final = 30


def next_commands(project: Project) -> tuple[str, ...]:
    """Shell lines, in order; comments among them."""
    return _NEXT[project.chosen](project)


def retention(project: Project) -> tuple[str, ...]:
    """Paragraphs of Markdown: what keeps a version, for how long, what lets it go."""
    paragraphs = _RETENTION[project.chosen](project)
    compliance = project.answers.compliance
    if "audit" in compliance:
        paragraphs = (*paragraphs, _AUDIT[project.ours])
    if "gdpr" in compliance:
        paragraphs = (*paragraphs, _ERASURE[project.chosen])
    return paragraphs


def _ours_next(project: Project) -> tuple[str, ...]:
    name = project.dataset
    if project.chosen == "embedded":
        start: tuple[str, ...] = (
            f"lakefs-repro init --embedded --repository {project.repository}{_datasets(project)}",
        )
    else:
        endpoint = project.endpoint or "https://YOUR-LAKEFS"
        start = (
            "# the server's address and a user's keys, as lakectl has them: LAKECTL_* or ~/.lakectl.yaml",
            "# --namespace URI says where the repository's data lies, unless the server has a place for it",
            f"lakefs-repro init --endpoint {endpoint} --repository {project.repository}{_datasets(project)}",
        )
    return (
        *start,
        f"lakefs-repro ingest FOLDER --dataset {name}",
        f"lakefs-repro verify {name}@1.0.0",
        f"lakefs-repro restore {name}@1.0.0 --to restored/{name}",
        "lakefs-repro doctor",
    )


def _datasets(project: Project) -> str:
    return "".join(f" --dataset {name}" for name in project.datasets)


def _dvc_next(project: Project) -> tuple[str, ...]:
    remotes = {
        "s3": "s3://BUCKET/PREFIX",
        "onprem-s3": "s3://BUCKET/PREFIX",
        "gcs": "gs://BUCKET/PREFIX",
        "azure": "azure://CONTAINER/PREFIX",
        "hdfs": "hdfs://NAMENODE/PATH",
    }
    there = "dvc" in project.answers.tools
    start = (
        ()
        if there
        else ("dvc init", f"dvc remote add --default storage {remotes.get(project.answers.storage, 'PATH')}")
    )
    name = project.dataset
    return (
        *start,
        f"dvc add {name}",
        f"git add {name}.dvc .gitignore .dvc && git commit --message 'First version of {name}'",
        f"git tag {name}-v1.0.0",
        "dvc push && git push --tags",
        f"git checkout {name}-v1.0.0 && dvc checkout   # back to it, later",
    )


def _delta_next(project: Project) -> tuple[str, ...]:
    return (
        f"# in Spark SQL, for each table of {project.dataset}",
        *_delta_settings(project),
        "DESCRIBE HISTORY delta.`TABLE`;                  -- the version to write down",
        "SELECT * FROM delta.`TABLE` VERSION AS OF 42;    -- read it again",
    )


def _iceberg_next(project: Project) -> tuple[str, ...]:
    tag = project.dataset.replace("-", "_") + "_v1_0_0"
    return (
        f"-- in Spark SQL, for each table of {project.dataset}",
        f"ALTER TABLE catalog.db.table CREATE TAG {tag} RETAIN {project.answers.keep} DAYS;",
        f"SELECT * FROM catalog.db.table VERSION AS OF '{tag}';",  # noqa: S608 - shown, never run
        (
            "ALTER TABLE catalog.db.table SET TBLPROPERTIES ('write.wap.enabled' = 'true');   -- then write to a "
            "branch first"
        ),
    )


def _delta_settings(project: Project) -> tuple[str, ...]:
    days = project.answers.keep
    return (
        "ALTER TABLE delta.`TABLE` SET TBLPROPERTIES (",
        f"  'delta.deletedFileRetentionDuration' = 'interval {days} days',",
        f"  'delta.logRetentionDuration' = 'interval {max(days, DAYS_A_MONTH)} days');",
    )


def _keep(project: Project) -> str:
    return f"A named version is kept for {days_of(project.answers.keep)}."


def _lakefs_retention(project: Project) -> tuple[str, ...]:
    return (
        _keep(project)
        + " Its pin holds it, and nothing lets it go by itself: deciding which versions to release is a step of "
        "your own, once a quarter, say. This release has no command for it; deleting a version's pin releases it, "
        "and `lakefs-repro doctor` will say that it has none.",
        (
            "lakeFS keeps every object for ever until garbage collection is set up. What no version names may go "
            f"after {_UNNAMED_DAYS} days; pins are branch heads, which it always keeps:"
        ),
        (
            "```json\n"
            f'{{"default_retention_days": {_UNNAMED_DAYS},\n'
            f' "branches": [{{"branch_id": "main", "retention_days": {_UNNAMED_DAYS}}}]}}\n'
            "```"
        ),
        (
            f"Set it with `lakectl gc set-config lakefs://{project.repository} --filename FILE`. The rules delete "
            "nothing by themselves: the sweep is a Spark job that somebody schedules, or a part of lakeFS Cloud and "
            "Enterprise."
        ),
    )


def _embedded_retention(project: Project) -> tuple[str, ...]:
    return (
        _keep(project)
        + " The engine never collects anything by itself, so every version stays until its folder goes; the "
        "estimate above counts only the versions in that span, and the disk will hold more.",
        (
            "One disk is one accident away from nothing: copy `.lakefs-repro/engine` elsewhere every night, with the "
            "engine stopped (`lakefs-repro server stop`)."
        ),
    )


def _dvc_retention(project: Project) -> tuple[str, ...]:
    return (
        _keep(project)
        + " A git tag names it; `dvc gc` must be told to respect tags. To let versions go, delete their tags "
        "first, then:",
        "```sh\ndvc gc --all-branches --all-tags --cloud --dry\n```",
        (
            "and without `--dry` once the list is right. It deletes from the remote, and there is no way back; "
            "branches and tags that this clone has not fetched do not count."
        ),
    )


def _delta_retention(project: Project) -> tuple[str, ...]:
    return (
        (
            f"Every state is kept for {days_of(project.answers.keep)}, named or not; there is no way to keep one and "
            "let its neighbours go:"
        ),
        "```sql\n" + "\n".join(_delta_settings(project)) + "\n```",
        (
            "`VACUUM` without `RETAIN` then respects it. A `VACUUM ... RETAIN` with less does not: see to it that "
            "nobody schedules one."
        ),
    )


def _iceberg_retention(project: Project) -> tuple[str, ...]:
    return (
        (
            f"A tagged snapshot is kept for {days_of(project.answers.keep)} (`RETAIN {project.answers.keep} DAYS`), "
            "untagged ones until `expire_snapshots` runs, by default for 5 days. Tag a snapshot in the job that "
            "makes it: later it may be gone."
        ),
    )


_NEXT: Final[dict[ApproachName, Callable[[Project], tuple[str, ...]]]] = {
    "lakefs": _ours_next,
    "embedded": _ours_next,
    "dvc": _dvc_next,
    "delta": _delta_next,
    "iceberg": _iceberg_next,
}
_RETENTION: Final[dict[ApproachName, Callable[[Project], tuple[str, ...]]]] = {
    "lakefs": _lakefs_retention,
    "embedded": _embedded_retention,
    "dvc": _dvc_retention,
    "delta": _delta_retention,
    "iceberg": _iceberg_retention,
}
_AUDIT: Final = {
    True: (
        "Audit: commits, annotations and the ledger outlive the data, so what was published when, from which query "
        "and code can be answered after a version is gone. Write the ledger's head (a commit id) into something "
        "outside now and then: what is anchored there can't be rewritten unseen."
    ),
    False: (
        "Audit: this approach keeps no record of its own that outlives the data. Write what was published, when, by "
        "whom and from what into a log that those who write the data can't change."
    ),
}
_OURS_ERASURE: Final = (
    "Erasure: mark personal columns `pii: true` in the contract, which keeps their values out of statistics and "
    "reports. To erase a person, ingest each version that is kept anew without them, delete the old versions' "
    "pins{collect}. Keep personal data apart from the rest, and keep few versions of it."
)
_ERASURE: Final[dict[ApproachName, str]] = {
    "lakefs": _OURS_ERASURE.format(collect=", and run garbage collection; only then are the bytes gone"),
    "embedded": _OURS_ERASURE.format(
        collect=". This release's engine does not free their blocks: a new engine folder, into which the versions to "
        "keep are ingested, does"
    ),
    "dvc": "Erasure: replace the files, delete the tags of versions that had the person, run `dvc gc --cloud`, "
    "and empty the cache of every machine that pulled one.",
    "delta": "Erasure: `DELETE`, then `VACUUM` once the retention above has run out. Choose that span no longer "
    "than the time in which you must have erased.",
    "iceberg": "Erasure: `DELETE`, drop every tag and branch that still has the row, then `expire_snapshots`. "
    "Keep a list of tags for that.",
}
