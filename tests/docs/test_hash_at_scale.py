"""The examples for Airflow, Spark and Ray do their work on a real engine; a thread pool stands for the scheduler."""

from __future__ import annotations

import importlib.util
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from support.lakes import make_context

from lakefs_repro.ingest.branch.opened import open_branch
from lakefs_repro.ingest.hashing.digest_parts import read_parts
from lakefs_repro.snapshot.resolve import resolve

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "hash_at_scale"
FILES = {f"part-{n}.bin": b"%d" % n * 30 for n in range(40)}


@pytest.fixture
def ctx(engine, tmp_path, monkeypatch):
    """A repository with a branch that a job has written to, and the environment of a worker."""
    made = make_context(engine, engine.new_repository(), tmp_path / "state")
    branch = open_branch(made, "flights", name="nightly").branch
    for path, data in FILES.items():
        made.repository.objects.put(branch, f"flights/{path}", data)
    made.repository.commits.create(branch, "a job's work")
    monkeypatch.setenv("LAKECTL_SERVER_ENDPOINT_URL", engine.endpoint)
    monkeypatch.setenv("LAKECTL_CREDENTIALS_ACCESS_KEY_ID", engine.access_key_id)
    monkeypatch.setenv("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", engine.secret_access_key)
    monkeypatch.setenv("LAKEFS_REPRO_REPOSITORY", made.repository.name)
    monkeypatch.chdir(tmp_path)
    return made


def load(name: str):
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stand_in(monkeypatch, name: str, **members) -> None:
    """A module of this name, for as long as the test runs."""
    module = ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)


def require_published(ctx) -> None:
    found = resolve(ctx, "flights@1.0.0")
    assert {entry.path for entry in found.files} == set(FILES)
    assert found.annotation.sha256_by == "worker"
    assert read_parts(ctx, "flights", [("", "", 0)]) == {}


class Task:
    """A task of Airflow: called now; mapped over on threads."""

    def __init__(self, function, **given) -> None:
        self.function = function
        self.given = given

    def __call__(self, *args, **named):
        filled = ["write-flights-nightly" if arg == "{{ params.branch }}" else arg for arg in args]
        named = {k: "write-flights-nightly" if v == "{{ params.branch }}" else v for k, v in named.items()}
        return self.function(*filled, **self.given, **named)

    def partial(self, **given):
        return Task(self, **given)

    def expand(self, **mapped):
        ((name, values),) = mapped.items()
        with ThreadPoolExecutor(4) as pool:
            return _Done(pool.map(lambda value: self(**{name: value}), values))


class _Done(list):
    def __rshift__(self, other):
        return other


def task(function=None, **_):
    return Task(function) if function else Task


def test_the_dag_hashes_and_publishes(ctx, monkeypatch):
    stand_in(monkeypatch, "airflow")
    stand_in(monkeypatch, "airflow.sdk", dag=lambda **_: lambda function: function, task=task)
    load("airflow_dag")
    require_published(ctx)


def test_the_spark_job_hashes_and_publishes(ctx, monkeypatch, capsys):
    def run(work, numbers):
        with ThreadPoolExecutor(4) as pool:
            return [one for part in pool.map(lambda number: list(work([number])), numbers) for one in part]

    def parallelize(numbers, parts):
        assert len(numbers) == parts
        return SimpleNamespace(mapPartitions=lambda work: SimpleNamespace(collect=lambda: run(work, numbers)))

    spark = SimpleNamespace(sparkContext=SimpleNamespace(parallelize=parallelize), stop=lambda: None)
    builder = SimpleNamespace(appName=lambda _: builder, getOrCreate=lambda: spark)
    stand_in(monkeypatch, "pyspark")
    stand_in(monkeypatch, "pyspark.sql", SparkSession=SimpleNamespace(builder=builder))
    load("spark_job").main("write-flights-nightly", 5)
    assert capsys.readouterr().out == "hashed 40 objects, 0 were known\nflights@1.0.0\n"
    require_published(ctx)


def test_the_ray_job_hashes_and_publishes(ctx, monkeypatch, capsys):
    with ThreadPoolExecutor(4) as pool:
        stand_in(
            monkeypatch,
            "ray",
            remote=lambda **_: lambda f: SimpleNamespace(remote=lambda *args: pool.submit(f, *args)),
            init=lambda **_: None,
            get=lambda futures: [future.result() for future in futures],
        )
        load("ray_job").main("write-flights-nightly", 5)
    assert capsys.readouterr().out == "hashed 40 objects, 0 were known\nflights@1.0.0\n"
    require_published(ctx)
