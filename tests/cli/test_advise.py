import pytest

from lakefs_repro.advice.questions import QUESTIONS


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "demand"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


SPARK = ["--storage", "s3", "--data-format", "parquet", "--volume", "10TB", "--files", "1M", "--arrival", "append",
         "--writers", "spark", "--people", "12", "--machines", "20"]  # fmt: skip


def test_it_prints_the_plan_and_writes_nothing(folder, cli):
    said = cli("advise", *SPARK, "--dataset", "flights")
    assert said.code == 0
    assert said.out.startswith("# Data versioning plan: flights\n")
    assert "**Use lakeFS with this toolkit**" in said.out
    assert "--repository demand" in said.out  # named after the folder
    assert list(folder.iterdir()) == []


def test_twice_the_same_is_the_same(folder, cli):
    assert cli("advise", *SPARK).out == cli("advise", *SPARK).out


def test_a_summary(folder, cli):
    said = cli("advise", *SPARK, "--format", "text")
    assert said.out.startswith("Use lakeFS with this toolkit\n")
    assert "Terabytes are versioned where they lie" in said.out
    assert "full copies" in said.out


def test_json_by_either_option(folder, cli):
    said = cli("advise", *SPARK, "--format", "json")
    assert said.json == cli("advise", *SPARK, "--json").json
    assert (said.json["approach"], said.json["recommended"], said.json["fits"]) == ("lakefs", "lakefs", True)
    assert said.json["answers"]["volume"] == 10**13
    assert "storage" not in said.json["answers"]["assumed"]
    assert len(said.json["verdicts"]) == 5
    assert said.json["plan"].startswith("# Data versioning plan")


def test_another_approach_than_the_recommended(folder, cli):
    said = cli("advise", *SPARK, "--approach", "dvc", "--json")
    assert (said.json["approach"], said.json["recommended"]) == ("dvc", "lakefs")
    assert "dvc push" in said.json["plan"]


def test_the_estimates_inputs_can_be_given(folder, cli):
    cheap = cli("advise", *SPARK, "--price", "0.001", "--changed", "50", "--json").json["cost"]
    assert cheap["inputs"]["price"]["storage"] == 0.001
    assert cheap["inputs"]["changed"] == 0.5


@pytest.mark.parametrize(
    "args",
    [["--storage", "tape"], ["--volume", "much"], ["--keep", "0d"], ["--changed", "200"], ["--price", "nan"],
     ["--writers", "spark,ghosts"], ["--files", "0"]],
    ids=" ".join,
)  # fmt: skip
def test_a_wrong_answer_is_named(folder, cli, args):
    said = cli("advise", *args, "--json")
    assert (said.code, said.error["kind"]) == (2, "bad-answer")
    assert said.error["hint"]


def test_wrong_names_are_refused(folder, cli):
    assert cli("advise", "--dataset", "No Good", "--json").error["kind"] == "invalid-name"
    assert cli("advise", "--repository", "No Good", "--json").error["kind"] == "invalid-repository-name"


def test_off_a_terminal_nothing_is_asked(folder, process):
    said = process("advise", cwd=folder)
    assert said.code == 0
    assert said.out.count("(assumed)") == len(QUESTIONS)


def test_on_a_terminal_it_asks_what_was_not_said(folder, terminal):
    typed = ["s3", "?", "2TB", "lots", "50GB", *[""] * (len(QUESTIONS) - 4)]
    said = terminal("advise", "--people", "9", "--format", "text", cwd=folder, typed=typed)
    assert said.code == 0, said.out
    assert f"{len(QUESTIONS) - 1} questions" in said.out
    assert "What fits on a disk can be copied" in said.out  # asked for by ?
    assert "'lots' is not a size" in said.out  # and asked again
    assert "How many people" not in said.out
    assert list(folder.iterdir()) == []


def test_on_a_terminal_too_nothing_is_asked_when_told_so(folder, terminal):
    said = terminal("advise", "--no-input", "--format", "text", cwd=folder)
    assert said.code == 0
    assert "?" not in said.out.split("Use")[0]


def test_ctrl_d_leaves_it(folder, terminal):
    assert terminal("advise", cwd=folder, typed=["\x04"]).code == 130
