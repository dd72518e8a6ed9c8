"""The reference pages say what is there: no more, no less."""

import ast
import importlib.util
import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from lakefs_repro import errors
from lakefs_repro.api.config import ProjectConfig
from lakefs_repro.cli.exits import BY_CLASS, Exit, exit_for
from lakefs_repro.cli.main import root
from lakefs_repro.cli.quickstart import Toured
from lakefs_repro.cli.result import Where
from lakefs_repro.lake.wire_errors import _BY_STATUS
from lakefs_repro.quickstart.story import Summary

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
SOURCE = sorted((ROOT / "lakefs_repro").rglob("*.py"))
OF_THE_COMMAND_LINE = {"usage", "local-failure", "interrupted", "internal"}


def strings(node):
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def is_error(name):
    return name.endswith("Error") or name == "cls"


def kinds_in_the_source():
    """Every kind that an error is raised with, by the name of the class in the source."""
    found = {(kind, cls.__name__) for cls, kind in _BY_STATUS.values()} | {("server-error", "UnavailableError")}
    for path in SOURCE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                kinds = [k.value for k in node.keywords if k.arg == "kind"]
                found |= {(kind, name) for value in kinds if is_error(name) for kind in strings(value)}
            elif isinstance(node, ast.ClassDef):
                for line in node.body:
                    target = getattr(line, "target", None) or (getattr(line, "targets", None) or [None])[0]
                    if getattr(target, "id", "") == "default_kind" and line.value is not None:
                        found |= {(kind, node.name) for kind in strings(line.value)}
    return found


def documented_kinds():
    page = (REFERENCE / "errors.md").read_text()
    for section in page.split("\n## ")[1:]:
        heading = section.splitlines()[0]
        cls, code = re.search(r"`(\w+)`, exit (\d+)$", heading).groups()
        for kind, cause, remedy in re.findall(r"^\| `([^`]+)` \| (.+) \| (.+) \|$", section, re.MULTILINE):
            yield kind, cls, int(code), cause, remedy


def test_every_kind_has_a_cause_and_a_remedy():
    there = {kind for kind, *_ in documented_kinds()}
    source = {kind for kind, _ in kinds_in_the_source()}
    assert len(source) > 80
    assert sorted((source | OF_THE_COMMAND_LINE) - there) == [], "kinds without an entry in docs/reference/errors.md"


def test_no_kind_is_documented_that_is_not_there():
    there = [kind for kind, *_ in documented_kinds()]
    assert len(there) == len(set(there))
    assert sorted(set(there) - {kind for kind, _ in kinds_in_the_source()} - OF_THE_COMMAND_LINE) == []


def test_kinds_stand_under_the_class_that_they_are_raised_as():
    raised = {}
    for kind, name in kinds_in_the_source():
        raised.setdefault(kind, set()).add(name)
    for kind, cls, code, *_ in documented_kinds():
        named = [getattr(errors, name) for name in raised.get(kind, ()) if hasattr(errors, name)]
        assert not named or code in {int(exit_for(found("x"))) for found in named}, (kind, cls)


def test_the_exit_code_of_each_section_is_that_of_its_class():
    builtin = {"OSError": OSError, "KeyboardInterrupt": KeyboardInterrupt}
    for _, cls, code, *_ in documented_kinds():
        assert exit_for((builtin.get(cls) or getattr(errors, cls))("x")) == code


def test_every_exit_code_is_described():
    rows = re.findall(
        r"^\| (\d+) \| `(\w+)` \| (.+) \|(.*)\|$", (REFERENCE / "exit-codes.md").read_text(), re.MULTILINE
    )
    assert {(int(number), name) for number, name, *_ in rows} == {(int(e), e.name) for e in Exit}
    for number, _, _, classes in rows:
        named = set(re.findall(r"`(\w+)`", classes))
        assert named == {cls.__name__ for cls, code in BY_CLASS.items() if code == int(number)}


def settings(model: type[BaseModel], prefix: str = ""):
    for name, field in model.model_fields.items():
        inner = re.search(r"(\w+Config)", str(field.annotation))
        if inner is None:
            yield prefix + name
            continue
        nested = getattr(__import__("lakefs_repro.api.config", fromlist=["x"]), inner[1])
        many = "Mapping" in str(field.annotation)
        if many:
            yield prefix + name
        yield from settings(nested, f"{prefix}{name}.{'NAME.' if many else ''}")


def test_every_setting_is_described():
    page = (REFERENCE / "configuration.md").read_text().split("## Environment")[0]
    assert set(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)) == set(settings(ProjectConfig))


def test_the_example_of_a_configuration_is_one():
    import yaml

    example = re.search(r"```yaml\n(.*?)```", (REFERENCE / "configuration.md").read_text(), re.DOTALL)[1]
    assert ProjectConfig.model_validate(yaml.safe_load(example)).datasets["flights"].contract


def test_every_variable_that_is_read_is_described():
    page = (REFERENCE / "configuration.md").read_text()
    read = set()
    for path in SOURCE:
        if {"embedded", "testing", "quickstart"} & set(path.parts):
            continue
        read |= {text for text in strings(ast.parse(path.read_text())) if re.fullmatch(r"(LAKE|NO_)[A-Z_]+", text)}
    assert len(read) > 5
    assert sorted(name for name in read if f"`{name}`" not in page) == []


def test_the_page_of_the_command_line_is_up_to_date():
    spec = importlib.util.spec_from_file_location("generate_cli", REFERENCE / "generate_cli.py")
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    assert (REFERENCE / "cli.md").read_text() == generator.page(), "run `python docs/reference/generate_cli.py`"


def test_the_page_of_the_rules_is_up_to_date():
    spec = importlib.util.spec_from_file_location("generate_advice_rules", REFERENCE / "generate_advice_rules.py")
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    said = "run `python docs/reference/generate_advice_rules.py`"
    assert (REFERENCE / "advice-rules.md").read_text() == generator.page(), said


def documented_keys():
    page = (REFERENCE / "json.md").read_text()
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", page, re.MULTILINE)
    return {command: set(re.findall(r"`(\w+)`", keys)) for command, keys in rows}


COMMANDS = {
    "ingest": ["ingest", "data"],
    "hash": ["hash", "main"],
    "list": ["list"],
    "log": ["log", "flights"],
    "diff": ["diff", "flights@1.0.0", "flights"],
    "show": ["show", "flights", "--files"],
    "verify": ["verify", "flights"],
    "restore --to": ["restore", "flights", "--to", "out"],
    "release": ["release", "q4", "--use", "flights"],
    "restore --branch": ["restore", "flights@1.0.0", "--branch", "main"],
    "doctor": ["doctor"],
    "server": ["server", "status", "--show-credentials"],
    "init": ["init"],
    "advise": ["advise"],
}
INNER = {
    "advise": "verdicts",
    "diff": "changes",
    "list": "versions",
    "log": "entries",
    "release": "datasets",
    "show": "entries",
    "doctor": "findings",
}


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_key_of_a_json_document_is_described(flights, command):
    said = flights.run(*COMMANDS[command], "--json")
    assert said.code == 0, said
    assert documented_keys()[command] == set(said.json)
    if command in INNER:
        assert documented_keys()[f"{command}: {INNER[command]}"] == set(said.json[INNER[command]][0])


def test_every_key_of_a_reason_is_described(flights):
    verdict = flights.run("advise", "--json").json["verdicts"][0]
    assert all(documented_keys()["advise: reasons"] == set(reason) for reason in verdict["for"] + verdict["against"])


def test_every_key_of_a_partition_and_a_side_of_a_diff_is_described(flights):
    said = flights.run("diff", "flights@1.0.0", "flights", "--level", "partition", "--json").json
    assert documented_keys()["diff: partitions"] == set(said["partitions"][0])
    assert documented_keys()["diff: sides"] == set(said["left"]) == set(said["right"])
    assert set(said) == documented_keys()["diff"] - {"changes"} | {"partitions"}


def test_every_key_of_a_release_is_described(flights):
    made = flights.run("release", "q3", "--use", "flights@1.0.0", "--json").json
    assert documented_keys()["release"] == set(made)
    assert documented_keys()["release: datasets"] == set(made["datasets"][0])
    assert documented_keys()["list: releases"] == set(flights.run("list", "--json").json["releases"][0])
    shown = flights.run("show", "release:q3", "--files", "--json").json
    assert documented_keys()["show release:NAME"] == set(shown)
    assert documented_keys()["show release:NAME: datasets"] == set(shown["datasets"][0])
    assert documented_keys()["verify release:NAME"] == set(flights.run("verify", "release:q3", "--json").json)


def test_every_key_of_a_branch_is_described(flights):
    said = flights.run("branch", "open", "flights", "--gateway", "http://gateway", "--json").json
    assert documented_keys()["branch open"] == set(said)
    for part in ("uris", "options"):
        assert documented_keys()[f"branch open: {part}"] == set(said[part])
    listed = flights.run("branch", "list", "--json").json
    assert documented_keys()["branch list"] == set(listed)
    assert documented_keys()["branch list: branches"] == set(listed["branches"][0])
    done = flights.run("branch", "finish", said["branch"], "--json").json
    assert documented_keys()["ingest"] | documented_keys()["branch finish"] == set(done)


def test_every_key_of_an_error_is_described(flights):
    assert set(json.loads(flights.run("show", "nope", "--json").out)["error"]) == documented_keys()["error"] - {
        "report"
    }


def test_every_key_of_the_quickstart_is_described(tmp_path):
    keys = Toured(Where("embedded", "demo"), Summary(tmp_path), tmp_path, kept=True).to_json()
    assert documented_keys()["quickstart"] == set(keys)


def test_every_command_is_on_the_page_of_json():
    described = {command.split(" ")[0].rstrip(":") for command in documented_keys()} - {"error"}
    assert described == set(root.entries)


def test_links_between_reference_pages_lead_somewhere():
    for name in ("cli", "json", "errors", "exit-codes", "configuration"):
        for link in re.findall(r"\]\(([^)#]+)\)", (REFERENCE / f"{name}.md").read_text()):
            assert (REFERENCE / link).is_file(), f"{name}.md: {link}"
