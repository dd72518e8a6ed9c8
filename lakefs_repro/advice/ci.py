"""The job that checks versions, for the CI system that is there."""

from __future__ import annotations

from typing import Final

from lakefs_repro.advice.project import Project

__all__ = ["check_commands", "ci_file"]

_PYTHON: Final = "3.12"
_TOP: Final = """\
# Checks that the data versions of this project are there and right. Written by {tool} on {today};
# docs/data-versioning-plan.md says why. Yours to change.
"""
_LAKECTL: Final = (
    "LAKECTL_SERVER_ENDPOINT_URL",
    "LAKECTL_CREDENTIALS_ACCESS_KEY_ID",
    "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY",
)
_DELTA: Final = (
    "import os; from deltalake import DeltaTable; "
    'table = DeltaTable(os.environ["TABLE_URI"], version=int(os.environ["TABLE_VERSION"])); '
    "print(table.to_pyarrow_dataset().count_rows())"
)
_ICEBERG: Final = (
    "import os; from pyiceberg.catalog import load_catalog; "
    'table = load_catalog().load_table(os.environ["TABLE"]); '
    'snapshot = table.snapshot_by_name(os.environ["TABLE_TAG"]); '
    "print(sum(len(b) for b in table.scan(snapshot_id=snapshot.snapshot_id).to_arrow_batch_reader()))"
)
# What each approach installs, checks with, and reads from the environment.
_PACKAGES: Final = {
    "lakefs": "lakefs-repro",
    "embedded": "lakefs-repro",
    "dvc": "dvc",
    "delta": "deltalake pyarrow",
    "iceberg": "'pyiceberg[pyarrow]'",
}
_VARIABLES: Final[dict[str, tuple[str, ...]]] = {
    "lakefs": _LAKECTL,
    "embedded": ("LAKEFS_REPRO_CONFIG",),
    "dvc": (),
    "delta": ("TABLE_URI", "TABLE_VERSION"),
    "iceberg": ("TABLE", "TABLE_TAG"),
}
_EXTRAS: Final = {"s3": "s3", "onprem-s3": "s3", "gcs": "gs", "azure": "azure", "hdfs": "hdfs"}
_IN_A_CLOUD: Final = ("s3", "gcs", "azure")
_NOTES: Final = {
    "lakefs": "The three variables are secrets of the CI system: a lakeFS user that may read.",
    "embedded": "The engine's data is on one machine: the runner must be on it, and LAKEFS_REPRO_CONFIG must name the "
    "lakefs-repro.yaml there, not that of the checkout.",
    "dvc": "The remote's credentials come from the CI system, under the names that the store's own tools read.",
    "delta": "TABLE_VERSION is the version that the model in production was trained on. Every file of it is opened.",
    "iceberg": "TABLE_TAG is the tag that the model in production was trained on; the catalog comes from "
    "PYICEBERG_CATALOG__*.",
}


def check_commands(project: Project) -> tuple[str, ...]:
    """What the job runs; each command fails when something is missing."""
    if project.ours:
        return ("lakefs-repro doctor", *(f"lakefs-repro verify {name}@latest" for name in project.datasets))
    if project.chosen == "dvc":
        return ("dvc pull", "dvc status --quiet")
    return (f"python -c '{_DELTA if project.chosen == 'delta' else _ICEBERG}'",)


def ci_file(project: Project) -> tuple[str, str] | None:
    """Path and text of the job, or None where there is no CI system."""
    top = _TOP.format(tool=project.tool, today=project.today) + f"# {_NOTES[project.chosen]}\n"
    if project.chosen != "embedded" and _on_site(project):
        top += "# The data is not in a public cloud: the runner must be one of your own that reaches it.\n"
    if project.answers.ci == "github":
        return ".github/workflows/data-versions.yml", top + _github(project)
    if project.answers.ci == "gitlab":
        return ".gitlab/data-versions.yml", top + _gitlab(project)
    if project.answers.ci == "other":
        return "ci/data-versions.sh", "#!/bin/sh\n" + top + _shell(project)
    return None


def _install(project: Project) -> str:
    package = _PACKAGES[project.chosen]
    extra = _EXTRAS.get(project.answers.storage)
    if project.chosen == "dvc" and extra:
        package = f"'dvc[{extra}]'"
    return f"pip install {package}"


def _on_site(project: Project) -> bool:
    """Whether a runner elsewhere could not reach the data."""
    return project.chosen != "lakefs" and (project.chosen == "embedded" or project.answers.storage not in _IN_A_CLOUD)


def _github(project: Project) -> str:
    runner = "self-hosted" if _on_site(project) else "ubuntu-latest"
    kept = {"LAKEFS_REPRO_CONFIG", "TABLE_URI", "TABLE_VERSION", "TABLE", "TABLE_TAG", _LAKECTL[0]}
    env = "".join(
        f"      {name}: ${{{{ {'vars' if name in kept else 'secrets'}.{name} }}}}\n"
        for name in _VARIABLES[project.chosen]
    )
    steps = "".join(
        f"      - run: |\n          {command}\n" for command in (_install(project), *check_commands(project))
    )
    return (
        "name: data-versions\n"
        "on:\n"
        "  pull_request:\n"
        "  schedule:\n"
        '    - cron: "17 5 * * *"\n'
        "permissions:\n"
        "  contents: read\n"
        "jobs:\n"
        "  check:\n"
        f"    runs-on: {runner}\n" + (f"    env:\n{env}" if env else "") + "    steps:\n"
        "      - uses: actions/checkout@v4\n"
        "      - uses: actions/setup-python@v5\n"
        "        with:\n"
        f'          python-version: "{_PYTHON}"\n' + steps
    )


def _gitlab(project: Project) -> str:
    tags = "  tags: [data-machine]\n" if _on_site(project) else ""
    script = "".join(f"    - |\n      {command}\n" for command in (_install(project), *check_commands(project)))
    names = ", ".join(_VARIABLES[project.chosen])
    needs = f"# Variables to set under Settings, CI/CD: {names}\n" if names else ""
    return (
        "# Include it from .gitlab-ci.yml:\n#   include:\n#     - local: .gitlab/data-versions.yml\n"
        f"{needs}data-versions:\n"
        "  stage: test\n"
        f"  image: python:{_PYTHON}\n" + tags + "  rules:\n"
        '    - if: $CI_PIPELINE_SOURCE == "merge_request_event"\n'
        '    - if: $CI_PIPELINE_SOURCE == "schedule"\n'
        "  script:\n" + script
    )


def _shell(project: Project) -> str:
    needed = "".join(f': "${{{name}:?set it in the CI system}}"\n' for name in _VARIABLES[project.chosen])
    return "set -eu\n" + needed + "\n".join((_install(project), *check_commands(project))) + "\n"
