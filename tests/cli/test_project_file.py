import pytest
import yaml

from lakefs_repro.api.config import parse_project
from lakefs_repro.api.setup import check_repository_name, default_namespace, repository_name
from lakefs_repro.cli.project_file import project_text, write_whole
from lakefs_repro.errors import InvalidError
from lakefs_repro.lake.values import ServerInfo


@pytest.mark.parametrize(
    "settings",
    [
        {"engine": "embedded", "repository": "flights"},
        {"engine": "lakefs", "repository": "123", "endpoint": "https://lakefs.example.com:8000", "branch": "trunk"},
        {"engine": "lakefs", "repository": "1e5", "datasets": {"null": {}, "on": {}, "a-b": {}, "y": {}}},
        {"engine": "lakefs", "repository": "true", "branch": "0123"},
        {"engine": "embedded", "repository": "demand", "datasets": {"a": {"contract": "contracts/a.yaml"}, "b": {}}},
        {
            "engine": "embedded",
            "repository": "demand",
            "datasets": {"a": {"contract": "c: #1", "exclude": ["*.tmp", "é"]}},
        },
    ],
)
def test_what_is_written_reads_back_equal(settings):
    project = parse_project(settings, "here")
    assert parse_project(yaml.safe_load(project_text(project)), "there") == project


def test_a_file_is_written_whole(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("old")
    write_whole(file, "new")
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("folder", "name"),
    [("flights", "flights"), ("My Flights (2013)", "my-flights-2013"), ("a", "a-data"), ("_", "data"), ("é", "data"),
     ("--x--", "x-data"), ("x" * 80, "x" * 63), ("2013", "2013"), ("a" * 62 + "-b", "a" * 62)],
)  # fmt: skip
def test_a_repository_is_named_after_its_folder(folder, name):
    assert repository_name(folder) == check_repository_name(name)


@pytest.mark.parametrize("name", ["", "ab", "-abc", "Abc", "a_b", "a.b", "x" * 64, "abc\n"])
def test_names_that_lakefs_refuses(name):
    with pytest.raises(InvalidError) as caught:
        check_repository_name(name)
    assert caught.value.kind == "invalid-repository-name"


def info(blockstore: str, prefix: str) -> ServerInfo:
    return ServerInfo("1", blockstore, presign=False, presign_multipart=False, namespace_prefix=prefix)


@pytest.mark.parametrize(
    ("blockstore", "prefix", "namespace"),
    [("local", "local://", "local://demo"), ("local", "", "local://demo"), ("s3", "s3://lake", "s3://lake/demo"),
     ("s3", "s3://lake/all/", "s3://lake/all/demo")],
)  # fmt: skip
def test_where_a_new_repository_lies(blockstore, prefix, namespace):
    assert default_namespace(info(blockstore, prefix), "demo") == namespace


@pytest.mark.parametrize("blockstore", ["s3", "gs", "azure"])
def test_a_store_without_a_wish_has_to_be_told(blockstore):
    with pytest.raises(InvalidError) as caught:
        default_namespace(info(blockstore, ""), "demo")
    assert caught.value.kind == "namespace-needed"
    assert "--namespace" in caught.value.hint
