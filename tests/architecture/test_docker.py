"""What can be said of docker/ without a container engine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

DOCKER = Path(__file__).resolve().parents[2] / "docker"
TEXT = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
SERVICES = yaml.safe_load(TEXT)["services"]
SAMPLE = dict(
    line.split("=", 1)
    for line in (DOCKER / "sample.env").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
)
DOCKERFILE = [line.split() for line in (DOCKER / "Dockerfile").read_text(encoding="utf-8").splitlines() if line]

ONE_SHOT = {"bucket", "setup"}
LONG_RUNNING = sorted(set(SERVICES) - ONE_SHOT)
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)([^}]*)\}")
SECRET = re.compile(r"PASSWORD|SECRET|ACCESS_KEY_ID|ROOT_USER|CONNECTION_STRING")
DEMANDED = ":?set it in docker/.env"


def environment_of(name: str) -> dict[str, str]:
    return SERVICES[name].get("environment", {})


def test_the_services_are_those_of_the_page():
    assert set(SERVICES) == {"postgres", "minio", "bucket", "setup", "lakefs"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_an_image_is_pinned(name):
    assert re.fullmatch(r"[a-z/]+:(RELEASE\.)?\d[\w.:-]*", SERVICES[name]["image"])


@pytest.mark.parametrize("name", ["lakefs", "setup"])
def test_lakefs_is_older_than_its_licence_change(name):
    image, tag = SERVICES[name]["image"].split(":")
    assert image == "treeverse/lakefs"
    assert tuple(map(int, tag.split("."))) < (1, 87, 0)


def test_postgresql_is_16():
    assert re.match(r"postgres:16\b", SERVICES["postgres"]["image"])


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_what_runs_long_has_a_health_check(name):
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    assert {"interval", "timeout", "retries"} <= set(SERVICES[name]["healthcheck"])


def test_everything_waits_for_what_it_needs():
    needs = {name: set(service.get("depends_on", {})) for name, service in SERVICES.items()}
    assert needs == {
        "postgres": set(),
        "minio": set(),
        "bucket": {"minio"},
        "setup": {"postgres"},
        "lakefs": {"postgres", "bucket", "setup"},
    }
    for service in SERVICES.values():
        for other, wish in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
            assert wish["condition"] == expected


def test_what_runs_once_is_not_restarted():
    assert {SERVICES[name]["restart"] for name in ONE_SHOT} == {"no"}


def test_nothing_is_published_beyond_loopback():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert sorted(ports) == ["127.0.0.1:8000:8000", "127.0.0.1:9000:9000"]
    assert all(service.get("network_mode") is None for service in SERVICES.values())


def test_every_variable_is_in_the_sample_and_used():
    assert {name for name, _ in VARIABLE.findall(TEXT)} == set(SAMPLE)


def test_no_variable_has_a_default():
    assert {rest for _, rest in VARIABLE.findall(TEXT)} == {DEMANDED}
    assert not re.search(r"(?<!\$)\$[A-Za-z_]", TEXT), "a variable without braces is empty when it is forgotten"


def test_the_sample_holds_no_secret():
    assert set(SAMPLE.values()) == {"change-me"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_secret_stands_in_the_file(name):
    for key, value in environment_of(name).items():
        if SECRET.search(key):
            assert VARIABLE.search(value), f"{key} is written out"
            fixed = VARIABLE.sub("", value)
            assert fixed in {"", "postgres://lakefs:@postgres:5432/lakefs?sslmode=disable"}, key
    for part in ("command", "entrypoint"):
        assert not VARIABLE.search(str(SERVICES[name].get(part, ""))), f"{part} would show a secret to `docker inspect`"


def test_lakefs_is_set_as_the_page_says():
    lakefs = environment_of("lakefs")
    s3 = {k.removeprefix("LAKEFS_BLOCKSTORE_S3_"): v for k, v in lakefs.items()}
    assert lakefs["LAKEFS_DATABASE_TYPE"] == "postgres"
    assert lakefs["LAKEFS_BLOCKSTORE_TYPE"] == "s3"
    assert lakefs["LAKEFS_STATS_ENABLED"] == "false"
    assert lakefs["LAKEFS_SECURITY_CHECK_LATEST_VERSION"] == "false"
    assert s3["FORCE_PATH_STYLE"] == "true"
    assert s3["DISABLE_PRE_SIGNED"] == s3["DISABLE_PRE_SIGNED_MULTIPART"] == "false"
    assert s3["ENDPOINT"] == "http://minio:9000"
    assert s3["PRE_SIGNED_ENDPOINT"].removeprefix("http://") + ":9000" in SERVICES["minio"]["ports"]


def test_the_first_user_is_made_with_the_servers_own_settings():
    extra = set(environment_of("setup")) - set(environment_of("lakefs"))
    assert environment_of("setup").items() >= environment_of("lakefs").items()
    assert extra == {f"LAKEFS_INSTALLATION_{name}" for name in ("USER_NAME", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY")}


def test_the_dockerfile_runs_as_nobody_special():
    assert ["FROM", "python:3.12-slim"] in DOCKERFILE
    users = [line[1] for line in DOCKERFILE if line[0] == "USER"]
    assert users
    assert not {"root", "0"} & {user.split(":")[0] for user in users}
    assert DOCKERFILE[-1] == ["ENTRYPOINT", '["lakefs-repro"]']


def test_the_dockerfile_copies_what_there_is_and_no_more():
    copied = [source for line in DOCKERFILE if line[0] in {"COPY", "ADD"} for source in line[1:-1]]
    assert copied
    assert "." not in copied
    assert all((DOCKER.parent / source).exists() for source in copied)
