import re
import shlex
import shutil
import subprocess
from dataclasses import replace

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.teams import words

from lakefs_repro.advice.answers import parse_answers
from lakefs_repro.advice.approaches import APPROACHES
from lakefs_repro.advice.ci import check_commands, ci_file
from lakefs_repro.advice.contract import GLOBS, starting_contract
from lakefs_repro.advice.cost import estimate, inputs_of
from lakefs_repro.advice.mechanics import BY_ITSELF, PLACES
from lakefs_repro.advice.plan import render_plan
from lakefs_repro.advice.project import Project
from lakefs_repro.advice.questions import BY_FIELD, QUESTIONS
from lakefs_repro.advice.recommend import recommend
from lakefs_repro.cli.main import COMMANDS
from lakefs_repro.model.contract import Contract

NAMES = [approach.name for approach in APPROACHES]


def project(chosen=None, **typed):
    answers = parse_answers(typed)
    advice = recommend(answers)
    return Project(
        answers=answers,
        recommendation=advice,
        estimate=estimate(inputs_of(answers)),
        chosen=chosen or advice.best.approach.name,
        datasets=("flights", "weather"),
        repository="demand",
        today="2026-11-24",
        tool="lakefs-repro 1.2.3",
    )


def test_the_same_answers_give_the_same_text():
    assert render_plan(project(storage="s3")) == render_plan(project(storage="s3"))
    later = replace(project(storage="s3"), today="2027-01-01")
    assert render_plan(later).replace("2027-01-01", "2026-11-24") == render_plan(project(storage="s3"))


def test_it_begins_with_why_and_ends_with_what_to_type():
    headings = re.findall(r"^## (.*)$", render_plan(project()), re.MULTILINE)
    assert headings == [
        "Why data versioning is the missing link", "Recommendation", "What the others would lack",
        "Snapshot, diff and lineage", "Storage cost", "Retention", "Pipeline integration", "Next commands", "The answers",
    ]  # fmt: skip


@pytest.mark.parametrize("chosen", NAMES)
@pytest.mark.parametrize("storage", [word for word, _ in BY_FIELD["storage"].choices])
def test_every_approach_on_every_storage_has_a_plan(chosen, storage):
    text = render_plan(project(chosen, storage=storage, compliance="gdpr,audit", tools="git,mlflow,airflow"))
    assert PLACES[chosen][storage] in text
    assert BY_ITSELF[storage][0] in text
    for word in ("**Snapshot.**", "**Diff.**", "**Lineage.**", "Audit:", "Erasure:", "MLflow:", "Airflow:"):
        assert word in text
    assert not re.search(r"\{[a-z_]+\}", text), "a placeholder was left"
    assert "None" not in text


def test_it_names_every_approach_reasons_and_sources():
    made = project(storage="s3", data_format="parquet", volume="10TB", writers="spark", machines="9")
    text = render_plan(made)
    assert "**Use lakeFS with this toolkit**" in text
    for rule in (*made.recommendation.best.good, *made.recommendation.best.lacks):
        assert rule.because in text
        assert rule.source in text
    for verdict in made.recommendation.others:
        assert verdict.lacks[0].because in text


def test_what_does_not_fit_is_said_to_be_so():
    text = render_plan(project(storage="s3", data_format="mixed", volume="50TB", arrival="streaming", writers="spark",
                               machines="10", server="no"))  # fmt: skip
    assert "**Nothing fits all answers.**" in text
    assert "Think again about the answer that rules out lakeFS with this toolkit: It needs a server" in text


@settings(max_examples=150)
@given(
    typed=st.fixed_dictionaries({question.field: words(question) for question in QUESTIONS}),
    chosen=st.sampled_from(NAMES),
)
def test_any_answers_have_a_plan_for_any_approach(typed, chosen):
    made = project(chosen, **typed)
    text = render_plan(made)
    assert "None" not in text
    assert "nan" not in text
    assert all(line.count("|") in {0, 4, 7} for line in text.splitlines() if line.startswith("|"))
    made_for_ci = ci_file(made)
    if made.answers.ci in {"github", "gitlab"}:
        assert yaml.safe_load(made_for_ci[1])


def test_another_choice_is_said_to_be_one():
    text = render_plan(project("embedded", data_format="delta", keep="7d", exactness="rows"))
    assert "**Use Delta time travel**" in text
    assert "this plan sets up the embedded engine only" in text


def test_assumptions_are_marked():
    text = render_plan(project(storage="s3"))
    assert "| Amazon S3 | `--storage` |" in text
    assert text.count("(assumed)") == len(QUESTIONS) - 1


def test_the_cost_stands_with_its_inputs():
    text = render_plan(project(storage="gcs", volume="1TB", growth="100GB", arrival="update", versions="2", keep="60d"))
    assert "1 TB; g, growth a month: 100 GB" in text
    assert "20%" in text
    assert "$0.02 for a GB and month" in text
    assert "2026-11-24" in text
    assert "n/a" in render_plan(project(storage="nas"))


def test_the_lake_commands_of_a_plan_exist():
    for chosen in ("lakefs", "embedded"):
        text = render_plan(project(chosen, tools="git,airflow"))
        named = set(re.findall(r"lakefs-repro ([a-z]+)", text))
        assert {"init", "ingest", "verify", "restore", "doctor"} <= named
        assert named - {"on"} <= set(COMMANDS)


@pytest.mark.parametrize("chosen", NAMES)
@pytest.mark.parametrize("system", ["github", "gitlab"])
def test_ci_files_are_yaml_and_run_the_checks(chosen, system):
    made = project(chosen, ci=system, storage="s3")
    path, text = ci_file(made)
    document = yaml.safe_load(text)
    if system == "github":
        assert path.startswith(".github/workflows/")
        job = document["jobs"]["check"]
        lines = [step["run"].strip() for step in job["steps"] if "run" in step]
        assert job["runs-on"] == ("self-hosted" if chosen == "embedded" else "ubuntu-latest")
    else:
        lines = [line.strip() for line in document["data-versions"]["script"]]
    assert lines[0].startswith("pip install ")
    assert tuple(lines[1:]) == check_commands(made)
    for line in lines:
        assert shlex.split(line)


def test_a_shell_script_for_other_systems():
    path, text = ci_file(project("lakefs", ci="other"))
    assert path == "ci/data-versions.sh"
    assert text.startswith("#!/bin/sh\n")
    assert ': "${LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY:?' in text
    assert ci_file(project(ci="none")) is None


@pytest.mark.parametrize("chosen", NAMES)
def test_the_script_is_one_that_stops_at_what_is_missing(chosen, tmp_path):
    script = tmp_path / "check.sh"
    script.write_text(ci_file(project(chosen, ci="other", storage="s3"))[1])
    assert subprocess.run(["sh", "-n", script], capture_output=True).returncode == 0
    if chosen != "dvc":  # which needs nothing from the environment
        done = subprocess.run([shutil.which("sh"), script], capture_output=True, text=True, env={"PATH": ""})
        assert done.returncode != 0
        assert "set it in the CI system" in done.stderr


def test_the_commands_that_ci_runs_in_python_are_python():
    for chosen in ("delta", "iceberg"):
        (command,) = check_commands(project(chosen))
        compile(shlex.split(command)[2], "ci", "exec")


@pytest.mark.parametrize("storage", ["nas", "hdfs", "onprem-s3"])
def test_data_on_site_needs_a_runner_on_site(storage):
    text = ci_file(project("dvc", ci="github", storage=storage))[1]
    assert "runs-on: self-hosted" in text
    assert "one of your own" in text


@pytest.mark.parametrize("data_format", [word for word, _ in BY_FIELD["data_format"].choices])
@pytest.mark.parametrize("compliance", ["none", "gdpr"])
def test_starting_contracts_are_contracts(data_format, compliance):
    text = starting_contract("my-flights", parse_answers({"data_format": data_format, "compliance": compliance}))
    if data_format not in GLOBS:
        assert text is None
        return
    contract = Contract.load(text)
    assert contract.id == "my-flights"
    assert ("pii" in text) == (compliance == "gdpr")
    # What is commented out is a contract, too, once the marks are taken away.
    filled = re.sub(r"^    # (properties:|  - )", r"    \1", text, flags=re.MULTILINE)
    assert len(Contract.load(filled).tables[0].properties) == (4 if compliance == "gdpr" else 3)
