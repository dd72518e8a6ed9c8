"""``ingest s3://…``: the plan, the version, and what is refused."""

from __future__ import annotations

import pytest

FILES = {"raw/a.csv": b"id,n\n1,2\n", "raw/b.csv": b"id,n\n3,4\n", "raw/_SUCCESS": b""}


@pytest.fixture
def raw(project, bucket_server, aws):
    """A project, and a bucket with two tables."""
    project.bucket = bucket_server.new_bucket(FILES)
    project.s3 = ("--s3-endpoint", bucket_server.endpoint)
    return project


def test_the_plan_is_told_and_nothing_is_done(raw):
    said = raw.run("ingest", f"s3://{raw.bucket}/raw", "--dataset", "flights", "--dry-run", *raw.s3)
    assert said.code == 0, said
    assert "the plan; nothing was done" in said.out
    assert "2 objects, 18 B" in said.out
    assert "1 LIST, 0 COPY, 0 HEAD, 2 GET, 2 PUT" in said.out
    assert "HEAD requests took" in said.out
    assert raw.run("list", "--json").json["versions"] == []


def test_the_plan_as_json(raw):
    plan = raw.run("ingest", f"s3://{raw.bucket}/raw", "--dataset", "flights", "--dry-run", "--json", *raw.s3).json
    assert (plan["outcome"], plan["road"], plan["new"], plan["excluded"]) == ("planned", "stream", 2, 1)
    assert plan["estimate"]["gets"] == 2
    assert plan["prices"] == ""


def test_a_bucket_becomes_a_version(raw):
    said = raw.run("ingest", f"s3://{raw.bucket}/raw/", "--dataset", "flights", *raw.s3)
    assert said.code == 0, said
    assert "flights@1.0.0 created" in said.out
    assert f"s3://{raw.bucket}/raw/" in said.out
    assert "2 of 2 objects to take" in said.err
    again = raw.run("ingest", f"s3://{raw.bucket}/raw", "--dataset", "flights", "--json", *raw.s3)
    assert again.json["outcome"] == "unchanged"
    assert again.json["reused"] == 2


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (("--max-bytes", "10"), "plan-too-large"),
        (("--max-cost", "0"), "plan-too-large"),
        (("--zero-copy",), "import-unsupported"),
        (("--zero-copy", "--stream"), "contradicting-options"),
        (("--adopt", "main"), "contradicting-options"),
    ],
)
def test_what_is_refused(raw, options, kind):
    said = raw.run("ingest", f"s3://{raw.bucket}/raw", "--dataset", "flights", "--json", *raw.s3, *options)
    assert said.error["kind"] == kind
    assert raw.run("list", "--json").json["versions"] == []


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("s3://", "bad-bucket-address"),
        ("s3://b/x", "bad-bucket-address"),
        ("s3://no-such-bucket-here", "bucket-not-found"),
    ],
)
def test_addresses_that_lead_nowhere(raw, address, kind):
    assert raw.run("ingest", address, "--dataset", "flights", "--json", *raw.s3).error["kind"] == kind


def test_options_of_a_bucket_without_one(project):
    project.write({"data/a.csv": "id\n1\n"})
    said = project.run("ingest", "data", "--dataset", "flights", "--zero-copy", "--json")
    assert said.error["kind"] == "contradicting-options"


def test_a_prefix_without_objects(raw):
    said = raw.run("ingest", f"s3://{raw.bucket}/nothing/", "--dataset", "flights", "--json", *raw.s3)
    assert said.error["kind"] == "empty-source"


def test_credentials_that_are_missing(raw, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    said = raw.run("ingest", f"s3://{raw.bucket}/raw", "--dataset", "flights", "--json", *raw.s3)
    assert said.error["kind"] == "no-bucket-credentials"


def test_a_store_that_does_not_answer(raw):
    said = raw.run(
        "ingest", f"s3://{raw.bucket}/raw", "--dataset", "flights", "--json", "--s3-endpoint", "http://127.0.0.1:9"
    )
    assert said.error["kind"] == "bucket-unreachable"


def test_every_key_of_a_plan_is_described(raw):
    from pathlib import Path

    page = (Path(__file__).resolve().parents[2] / "docs/reference/json.md").read_text()
    plan = raw.run("ingest", f"s3://{raw.bucket}/raw", "--dataset", "flights", "--dry-run", "--json", *raw.s3).json
    for name, value in (("", plan), (": estimate", plan["estimate"]), (": rates", plan["rates"])):
        line = next(line for line in page.splitlines() if line.startswith(f"| `ingest s3://… --dry-run{name}` |"))
        assert not [key for key in value if f"`{key}`" not in line]


def test_a_version_without_copies_says_so_everywhere(bucket_server, aws, lakefs_on_bucket, cli, tmp_path, monkeypatch):
    engine = lakefs_on_bucket
    bucket = bucket_server.new_bucket(FILES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAKECTL_SERVER_ENDPOINT_URL", engine.endpoint)
    monkeypatch.setenv("LAKECTL_CREDENTIALS_ACCESS_KEY_ID", engine.access_key_id)
    monkeypatch.setenv("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", engine.secret_access_key)
    repository = engine.new_repository()
    (tmp_path / "lakefs-repro.yaml").write_text(
        f"engine: lakefs\nendpoint: {engine.endpoint}\nrepository: {repository}\n"
    )
    address = (f"s3://{bucket}/raw", "--dataset", "flights", "--zero-copy", "--s3-endpoint", bucket_server.endpoint)
    assert "\n  external  " in cli("ingest", *address).out
    for command in (("show", "flights"), ("list",), ("log", "flights"), ("verify", "flights")):
        said = cli(*command)
        assert (said.code, "external" in said.out) == (0, True), said
        assert '"external": true' in cli(*command, "--json").out
    bucket_server.put(bucket, {"raw/a.csv": b"id,n\n9,9\n"})
    said = cli("verify", "flights", "--json")
    assert (said.code, said.json["problems"][0]["path"]) == (1, "flights/a.csv")
