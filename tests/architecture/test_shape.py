"""Rules of the house that no tool knows."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import lakefs_repro
from lakefs_repro import errors

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "lakefs_repro"
FILES = sorted(PACKAGE.rglob("*.py"))
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_stays_readable(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


def test_no_file_is_a_drawer():
    assert [name_of(p) for p in FILES if p.stem in DRAWERS] == []


def test_an_init_holds_nothing_but_names():
    allowed = (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.If)
    for path in FILES:
        if path.name != "__init__.py" or path.parent == PACKAGE:
            continue
        others = [node for node in tree_of(path).body if not isinstance(node, allowed)]
        getattr_only = [n for n in others if not (isinstance(n, ast.FunctionDef) and n.name == "__getattr__")]
        assert getattr_only == [], name_of(path)


def test_no_assert_at_run_time():
    found = [name_of(p) for p in FILES for node in ast.walk(tree_of(p)) if isinstance(node, ast.Assert)]
    assert [name for name in found if "/testing/" not in name] == []


def test_nothing_but_the_command_line_prints():
    rooms = ("lakefs_repro/cli/", "lakefs_repro/embedded/__main__.py", "lakefs_repro/embedded/serve.py")
    found = [
        name_of(p)
        for p in FILES
        for node in ast.walk(tree_of(p))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
        and not any(keyword.arg == "file" for keyword in node.keywords)  # that writes a file
    ]
    assert [name for name in found if not name.startswith(rooms)] == []


def test_the_core_does_not_read_the_environment():
    rooms = ("cli", "api", "testing", "__main__.py", "embedded")
    for path in FILES:
        inside = path.relative_to(PACKAGE).parts[0]
        if inside in rooms:
            continue
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) not in {("os", "environ"), ("os", "getenv"), ("Path", "home")}, path


def test_public_names_can_be_had():
    assert sorted(lakefs_repro.__all__) == lakefs_repro.__all__
    for name in lakefs_repro.__all__:
        assert getattr(lakefs_repro, name) is not None
    with pytest.raises(AttributeError):
        _ = lakefs_repro.nothing_of_this_name


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, lakefs_repro; print(sorted({m.split('.')[0] for m in sys.modules} & "
        "{'pydantic', 'pandas', 'pyarrow', 'duckdb', 'urllib3', 'lakefs_sdk', 'rich', 'yaml'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_module_can_be_imported():
    for path in FILES:
        if path.name == "__main__.py":
            continue
        parts = path.relative_to(ROOT).with_suffix("").parts
        importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))


def test_every_error_is_of_one_tree():
    for value in vars(errors).values():
        if isinstance(value, type) and issubclass(value, Exception):
            assert issubclass(value, errors.LakefsReproError)
            assert value.__doc__
            assert value.default_kind
