"""``init`` by answers: through a pseudo-terminal for five kinds of team, and by options alone."""

from __future__ import annotations

import gzip
import os
import re
import shlex
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from lakefs_repro.advice.questions import QUESTIONS
from lakefs_repro.api.config import load_config
from lakefs_repro.embedded import process as engine_process
from lakefs_repro.model.contract import Contract

PLAN = "docs/data-versioning-plan.md"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "demand"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield folder
    engine_process.stop(folder / ".lakefs-repro" / "engine")


def files(folder):
    found = (p for p in folder.rglob("*") if p.is_file() and ".lakefs-repro" not in p.parts)
    return sorted(p.relative_to(folder).as_posix() for p in found)


def typed(**answers):
    """What is typed at the questions: an answer, or Enter."""
    assert set(answers) <= {question.field for question in QUESTIONS}
    return [answers.get(question.field, "") for question in QUESTIONS]


def options(**answers):
    return [word for field, answer in answers.items() for word in (f"--{field.replace('_', '-')}", answer)]


def login(engine):
    return {
        "LAKECTL_SERVER_ENDPOINT_URL": engine.endpoint,
        "LAKECTL_CREDENTIALS_ACCESS_KEY_ID": engine.access_key_id,
        "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY": engine.secret_access_key,
    }


def test_a_student_on_a_laptop(folder, terminal, cli):
    answers = typed(volume="2GB", people="1", tools="none", server="no", ci="none", keep="3y")
    said = terminal("init", cwd=folder, typed=["advise", *answers, "", "flights", "", "-", ""])
    assert said.code == 0, said.out
    assert "Recommended: the embedded engine only" in said.out
    assert files(folder) == ["contracts/flights.yaml", PLAN, "lakefs-repro.yaml"]
    project = load_config(folder / "lakefs-repro.yaml").project
    assert (project.engine, project.repository) == ("embedded", "demand")
    assert project.datasets["flights"].contract == "contracts/flights.yaml"
    (folder / "in").mkdir()
    (folder / "in" / "jan.csv").write_text("day,carrier\n1,UA\n")
    assert cli("ingest", "in", "--json").json["version"] == "1.0.0"
    (folder / "in" / "jan.csv").write_text("day,carrier\n")
    assert cli("ingest", "in", "--json").error["kind"] == "contract-violated"  # an empty delivery: the contract is used
    assert cli("verify", "flights@1.0.0").code == 0


def test_a_lab_with_images_and_git_is_told_to_use_dvc(folder, terminal, cli):
    said_so = {
        "storage": "s3",
        "volume": "200GB",
        "files": "200k",
        "data_format": "media",
        "machines": "3",
        "ci": "github",
    }
    said = terminal("init", cwd=folder, typed=["advise", *typed(**said_so), "", "scans", ""])
    assert said.code == 0, said.out
    assert "Recommended: DVC" in said.out
    assert files(folder) == [".github/workflows/data-versions.yml", PLAN]  # nothing of ours
    job = yaml.safe_load((folder / ".github/workflows/data-versions.yml").read_text())["jobs"]["check"]
    assert [step["run"].strip() for step in job["steps"] if "run" in step] == [
        "pip install 'dvc[s3]'", "dvc pull", "dvc status --quiet"
    ]  # fmt: skip
    plan = (folder / PLAN).read_text()
    (block,) = re.findall(r"## Next commands\n\n```sh\n(.*?)```", plan, re.DOTALL)
    assert all(shlex.split(line, comments=True) for line in block.splitlines())
    assert "dvc remote add --default storage s3://BUCKET/PREFIX" in block
    again = cli("advise", *options(**said_so), "--dataset", "scans")
    assert again.out.replace(" (assumed)", "") == plan.replace(" (assumed)", "")


def test_a_team_with_spark_and_a_server_to_come(folder, terminal, cli, embedded_engine, monkeypatch):
    answers = typed(
        storage="s3", volume="10TB", files="1M", arrival="append", writers="spark,pandas", data_format="parquet", people="12",
        machines="20", tools="git,airflow,mlflow", ci="gitlab", versions="30",
    )  # fmt: skip
    repository = f"wizard-{os.urandom(4).hex()}"
    said = terminal("init", cwd=folder, typed=["", *answers, "", "events", repository, "-", "-", "y"])
    assert said.code == 0, said.out
    assert "Recommended: lakeFS with this toolkit" in said.out
    assert "not made yet, no server is known" in said.out
    assert files(folder) == [".gitlab/data-versions.yml", "contracts/events.yaml", PLAN, "lakefs-repro.yaml"]
    assert load_config(folder / "lakefs-repro.yaml").project.engine == "lakefs"
    script = yaml.safe_load((folder / ".gitlab/data-versions.yml").read_text())["data-versions"]["script"]
    assert [line.strip() for line in script][1:] == ["lakefs-repro doctor", "lakefs-repro verify events@latest"]
    # Later there is a server: what the plan and the hint say makes the repository, and its contract is used.
    for name, value in login(embedded_engine).items():
        monkeypatch.setenv(name, value)
    assert cli("init", "--json").json["created"] is True
    (folder / "in").mkdir()
    pq.write_table(pa.table({"day": [1, 2]}), folder / "in" / "part-0.parquet")
    assert cli("ingest", "in").code == 0
    for line in script[1:]:
        command = shlex.split(line)
        assert cli(*command[1:]).code == 0, command


def test_a_team_with_delta_tables_and_short_memory(folder, terminal, cli):
    said_so = {
        "storage": "azure", "volume": "3TB", "arrival": "update", "writers": "spark", "data_format": "delta", "keep": "30d",
        "exactness": "rows", "reproduce": "reports", "people": "5", "machines": "5", "ci": "other",
    }  # fmt: skip
    said = terminal("init", cwd=folder, typed=["", *typed(**said_so), "", "", ""])
    assert said.code == 0, said.out
    assert "Recommended: Delta time travel" in said.out
    assert files(folder) == ["ci/data-versions.sh", PLAN]
    assert os.access(folder / "ci/data-versions.sh", os.X_OK)
    assert "interval 30 days" in (folder / PLAN).read_text()
    assert "abfss://" in (folder / PLAN).read_text()
    again = cli("advise", *options(**said_so), "--dataset", "data").out
    assert again.replace(" (assumed)", "") == (folder / PLAN).read_text().replace(" (assumed)", "")


def test_vendors_on_a_share_with_a_sample_and_a_file_of_ones_own(folder, terminal, cli):
    (folder / "sample").mkdir()
    (folder / "sample" / "orders.csv").write_text("id,amount\n1,9.5\n2,7\n")
    (folder / "docs").mkdir()
    (folder / PLAN).write_text("ours\n")
    answers = typed(storage="nas", volume="50GB", arrival="replace", writers="vendors", people="2", compliance="gdpr")
    asked = ["", *answers, "", "orders", "orders-lake", "nowhere", "sample", "y", "n"]
    said = terminal("init", cwd=folder, typed=asked)
    assert said.code == 0, said.out
    assert "nowhere is not there" in said.out
    assert (folder / PLAN).read_text() == "ours\n"
    assert "kept" in said.out
    contract = Contract.load((folder / "contracts/orders.yaml").read_text())
    assert [column.name for column in contract.tables[0].properties] == ["id", "amount"]
    assert cli("ingest", "sample").code == 0
    (folder / "sample" / "orders.csv").write_text("id,amount\n1,nine\n")
    assert cli("ingest", "sample", "--json").error["kind"] == "contract-violated"
    workflow = yaml.safe_load((folder / ".github/workflows/data-versions.yml").read_text())
    assert workflow["jobs"]["check"]["runs-on"] == "self-hosted"


def test_what_is_recommended_can_be_decided_against(folder, terminal):
    answers = typed(volume="2GB", people="1", server="no", tools="git,dvc", ci="none", data_format="media")
    said = terminal("init", cwd=folder, typed=["", *answers, "embedded", "scans", "", "y"])
    assert said.code == 0, said.out
    assert "Recommended: DVC" in said.out
    assert load_config(folder / "lakefs-repro.yaml").project.engine == "embedded"
    assert "Decided otherwise: this plan sets up the embedded engine only" in (folder / PLAN).read_text()


@pytest.mark.parametrize("at", [0, 1, 5, 18, 20, 22])
def test_ctrl_c_at_any_question_leaves_nothing(folder, terminal, at):
    answers = ["", *typed(volume="2GB", people="1", tools="none", server="no"), "", "flights", "", "-"]
    said = terminal("init", cwd=folder, typed=[*answers[:at], "\x03"])
    assert said.code == 130, said.out
    assert list(folder.iterdir()) == []


def test_no_at_the_end_leaves_nothing(folder, terminal):
    answers = typed(volume="2GB", people="1", tools="none", server="no")
    said = terminal("init", cwd=folder, typed=["", *answers, "", "flights", "", "-", "n"])
    assert said.code == 2
    assert "Nothing was changed." in said.out
    assert list(folder.iterdir()) == []


SMALL = ["--volume", "2GB", "--people", "1", "--tools", "none", "--server", "no", "--dataset", "flights"]


def test_by_options_alone_nothing_is_asked(folder, process):
    said = process("init", *SMALL, "--json", cwd=folder)
    assert said.code == 0, said
    assert (said.json["approach"], said.json["prepared"]) == ("embedded", True)
    assert {file["state"] for file in said.json["files"]} == {"written"}
    assert [file["path"] for file in said.json["files"]] == [
        "lakefs-repro.yaml", "contracts/flights.yaml", ".github/workflows/data-versions.yml", PLAN
    ]  # fmt: skip


def test_with_a_server_the_repository_is_made_ready_at_once(folder, cli, embedded_engine, monkeypatch):
    for name, value in login(embedded_engine).items():
        monkeypatch.setenv(name, value)
    repository = f"wizard-{os.urandom(4).hex()}"
    args = options(storage="s3", volume="10TB", data_format="parquet", machines="20", people="12")
    said = cli("init", *args, "--repository", repository, "--dataset", "events", "--json")
    assert said.code == 0, said
    assert (said.json["engine"], said.json["repository"], said.json["prepared"]) == ("lakefs", repository, True)
    assert cli("doctor").code == 0


def test_an_unreachable_server_leaves_nothing(folder, cli, monkeypatch):
    monkeypatch.setenv("LAKECTL_SERVER_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("LAKECTL_CREDENTIALS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", "very-secret")
    said = cli("init", *options(storage="s3", volume="10TB", data_format="parquet", machines="20"))
    assert said.code == 4
    assert "very-secret" not in said.err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("data_format", "name", "content"),
    [
        ("csv", "day=1/a.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0)),
        ("csv", "a.csv", b"a,b\n1,2\n"),
        ("jsonl", "day=1/a.jsonl", b'{"a": 1}\n'),
        ("media", "scan.png", b"\x89PNG"),
        ("mixed", "a.csv", b"a,b\n1,2\n"),
    ],
)
def test_good_data_passes_what_was_set_up_for_its_format(folder, cli, data_format, name, content):
    assert cli("init", *SMALL, "--data-format", data_format, "--approach", "embedded").code == 0
    target = folder / "in" / name
    target.parent.mkdir(parents=True)
    target.write_bytes(content)
    assert cli("ingest", "in").code == 0


def test_the_same_again_changes_nothing(folder, cli):
    assert cli("init", *SMALL).code == 0
    before = {path: (folder / path).read_bytes() for path in files(folder)}
    said = cli("init", *SMALL, "--json")
    assert said.code == 0, said
    assert {file["state"] for file in said.json["files"]} == {"unchanged"}
    assert {path: (folder / path).read_bytes() for path in files(folder)} == before


def test_off_a_terminal_a_file_that_says_something_else_is_kept_without_force(folder, cli):
    workflow = folder / ".github" / "workflows" / "data-versions.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text("ours: true\n")
    said = cli("init", *SMALL)
    assert said.code == 0, said
    assert "kept (--force replaces it)" in said.err
    assert workflow.read_text() == "ours: true\n"
    assert cli("init", *SMALL, "--force").code == 0
    assert "jobs:" in workflow.read_text()


def test_a_configuration_that_says_something_else_is_a_conflict(folder, cli):
    assert cli("init", "--embedded", "--repository", "mine").code == 0
    before = (folder / "lakefs-repro.yaml").read_text()
    said = cli("init", *SMALL, "--approach", "lakefs", "--json")
    assert (said.code, said.error["kind"]) == (5, "configuration-exists")
    assert (folder / "lakefs-repro.yaml").read_text() == before
    assert not (folder / PLAN).exists()


@pytest.mark.parametrize(
    ("args", "kind"),
    [
        (["--embedded", "--approach", "dvc"], "contradicting-options"),
        (["--volume", "huge"], "bad-answer"),
        (["--changed", "200"], "bad-answer"),
        ([*SMALL, "--dataset", "b", "--sample", "."], "contradicting-options"),
        ([*SMALL, "--sample", "."], "empty-source"),
        ([*SMALL, "--dataset", "No Good"], "invalid-name"),
    ],
)
def test_what_contradicts_or_is_no_answer_leaves_nothing(folder, cli, args, kind):
    said = cli("init", *args, "--json")
    assert (said.code, said.error["kind"]) == (2, kind)
    assert list(folder.iterdir()) == []


def test_a_sample_without_tables_is_refused(folder, cli):
    Path("sample").mkdir()
    Path("sample/readme.txt").write_text("nothing")
    assert cli("init", *SMALL, "--sample", "sample", "--json").error["kind"] == "not-tables"
    assert files(folder) == ["sample/readme.txt"]


def test_every_key_of_the_json_document_is_described(folder, cli):
    page = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "json.md").read_text()
    rows = dict(re.findall(r"^\| `(init with answers[^`]*)` \| (.+) \|$", page, re.MULTILINE))
    said = cli("init", *SMALL, "--json").json
    assert set(re.findall(r"`(\w+)`", rows["init with answers"])) == set(said)
    assert set(re.findall(r"`(\w+)`", rows["init with answers: files"])) == set(said["files"][0])
