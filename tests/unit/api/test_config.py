"""Settings: where they come from, who goes first, and what a hostile or broken file does."""

from __future__ import annotations

import pytest

from lakefs_repro.api.config import find_config, find_login, load_config
from lakefs_repro.api.connect import find_endpoint
from lakefs_repro.errors import InvalidError

GOOD = "engine: embedded\nrepository: my-repo\n"
SECRET, TOKEN = "s3cr3t-of-the-file", "t0ken-of-the-file"
ENVIRON = {
    "LAKECTL_SERVER_ENDPOINT_URL": "http://env:1",
    "LAKECTL_CREDENTIALS_ACCESS_KEY_ID": "env-key",
    "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY": "env-secret",
    "LAKECTL_CREDENTIALS_SESSION_TOKEN": "env-token",
}


def lakectl(home, text=""):
    (home / ".lakectl.yaml").write_text(
        text or f"server:\n  endpoint_url: http://file:1/api/v1\ncredentials:\n  access_key_id: file-key\n"
        f"  secret_access_key: {SECRET}\n  session_token: {TOKEN}\n"
    )  # fmt: skip


def load(tmp_path, text):
    file = tmp_path / "lakefs-repro.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_config(file)


def refusal(tmp_path, text):
    with pytest.raises(InvalidError) as caught:
        load(tmp_path, text)
    return caught.value


def test_a_whole_configuration_is_read(tmp_path):
    text = (
        "engine: lakefs\nrepository: my-repo\nbranch: trunk\nendpoint: http://h:8000\n"
        "datasets:\n  flights: {contract: policies/flights.yaml, exclude: ['*.tmp']}\n  planes:\n"
    )
    config = load(tmp_path, text)
    assert (config.project.engine, config.project.repository, config.project.branch) == ("lakefs", "my-repo", "trunk")
    assert config.project.datasets["flights"].exclude == ("*.tmp",)
    assert config.project.datasets["planes"].contract is None


def test_relative_paths_start_at_the_file(tmp_path):
    config = load(tmp_path, GOOD + "embedded: {root: data/engine}\n")
    assert config.engine_root == tmp_path / "data" / "engine"
    assert config.state == tmp_path / ".lakefs-repro" / "state"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("engine: embedded\n", "repository"),
        ("repository: my-repo\n", "engine"),
        ("engine: sqlite\nrepository: my-repo\n", "engine"),
        ("engine: embedded\nrepository: My_Repo\n", "repository"),
        (GOOD + "endpont: http://h\n", "endpont"),
        (GOOD + "datasets: {Flights: {}}\n", "datasets"),
        (GOOD + "datasets: {flights: {contrct: x}}\n", "datasets.flights.contrct"),
        (GOOD + "datasets: [flights]\n", "datasets"),
        (GOOD + "embedded: {rot: x}\n", "embedded.rot"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(tmp_path, text, key):
    error = refusal(tmp_path, text)
    assert error.kind == "bad-configuration"
    assert f"`{key}`" in error.message
    assert "lakefs-repro.yaml" in error.message


@pytest.mark.parametrize(
    "text",
    [
        "", "- a\n", "just text", "{", "\t", "a: b: c", b"\xff\xfe\x00", b"\x00", "a: 2024-99-99", "a: " + "[" * 1000,
        "? [a, b]\n: c", "a: !!python/object/apply:os.system ['touch pwned']", "a: !unknown x", "a: &a [*a]",
        "a: 0b" + "9" * 10, "1: 2", "a: " + "1" * 5000,
    ],
    ids=lambda text: repr(text[:20]),
)  # fmt: skip
def test_a_file_that_is_no_configuration_is_said_to_be_none(tmp_path, text, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert refusal(tmp_path, text).kind == "bad-configuration"
    assert not (tmp_path / "pwned").exists()


def test_a_bomb_of_aliases_does_no_harm(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    error = refusal(tmp_path, "\n".join(lines))
    assert error.kind == "bad-configuration"
    assert len(error.message) < 1000


def test_a_huge_file_is_not_parsed(tmp_path):
    assert "1 MiB" in refusal(tmp_path, b"#" * (1 << 20) + b"#").message


def test_the_nearest_file_above_holds(tmp_path):
    (tmp_path / "lakefs-repro.yaml").write_text(GOOD)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find_config(inner, {}, tmp_path).file == tmp_path / "lakefs-repro.yaml"
    (tmp_path / "a" / "lakefs-repro.yaml").write_text(GOOD.replace("my-repo", "nearer"))
    assert find_config(inner, {}, tmp_path).project.repository == "nearer"


def test_a_file_named_by_the_environment_goes_first(tmp_path):
    (tmp_path / "lakefs-repro.yaml").write_text(GOOD)
    other = tmp_path / "other.yaml"
    other.write_text(GOOD.replace("my-repo", "other"))
    assert find_config(tmp_path, {"LAKEFS_REPRO_CONFIG": str(other)}, tmp_path).project.repository == "other"
    with pytest.raises(InvalidError) as caught:
        find_config(tmp_path, {"LAKEFS_REPRO_CONFIG": str(tmp_path / "missing")}, tmp_path)
    assert caught.value.kind == "no-configuration"


def test_nothing_configured_is_an_error_and_never_a_silent_engine(tmp_path):
    with pytest.raises(InvalidError) as caught:
        find_config(tmp_path, {}, tmp_path)
    assert caught.value.kind == "no-configuration"
    assert "init" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_server_from_the_environment_needs_a_repository(tmp_path):
    with pytest.raises(InvalidError, match="no repository"):
        find_config(tmp_path, ENVIRON, tmp_path)
    found = find_config(tmp_path, {**ENVIRON, "LAKEFS_REPRO_REPOSITORY": "my-repo"}, tmp_path)
    assert (found.project.engine, found.project.repository) == ("lakefs", "my-repo")


def test_the_environment_goes_before_the_file(tmp_path):
    lakectl(tmp_path)
    from_file = find_login({}, tmp_path)
    assert (from_file.endpoint, from_file.access_key_id) == ("http://file:1/api/v1", "file-key")
    assert (from_file.secret_access_key, from_file.session_token) == (SECRET, TOKEN)
    both = find_login(ENVIRON, tmp_path)
    assert both == find_login(ENVIRON, tmp_path / "nowhere")
    assert (both.endpoint, both.access_key_id, both.secret_access_key) == ("http://env:1", "env-key", "env-secret")
    mixed = find_login({"LAKECTL_SERVER_ENDPOINT_URL": "http://env:1"}, tmp_path)
    assert (mixed.endpoint, mixed.access_key_id) == ("http://env:1", "file-key")


def test_the_project_s_endpoint_goes_before_both(tmp_path):
    lakectl(tmp_path)
    assert find_login(ENVIRON, tmp_path, "http://project:1").endpoint == "http://project:1"


def test_another_file_may_be_named(tmp_path):
    (tmp_path / "sub").mkdir()
    lakectl(tmp_path / "sub")
    assert find_login({}, tmp_path) is None
    found = find_login({"LAKECTL_CONFIG_FILE": str(tmp_path / "sub" / ".lakectl.yaml")}, tmp_path)
    assert found.access_key_id == "file-key"


@pytest.mark.parametrize("missing", list(ENVIRON)[:3])
def test_half_a_login_is_none(tmp_path, missing):
    assert find_login({k: v for k, v in ENVIRON.items() if k != missing}, tmp_path) is None


@pytest.mark.parametrize("text", ["[]", "server: 5", "credentials: [x]", "server: {endpoint_url: }", "x"])
def test_a_lakectl_file_that_says_nothing_is_as_none(tmp_path, text):
    lakectl(tmp_path, text)
    assert find_login({}, tmp_path) is None


@pytest.mark.parametrize("text", ["{", "a: 2024-99-99", "a: !!python/name:os.system", "[" * 1000])
def test_a_broken_lakectl_file_is_named_without_its_content(tmp_path, text):
    lakectl(tmp_path, f"credentials: {{secret_access_key: {SECRET}}}\nx: {text}")
    with pytest.raises(InvalidError) as caught:
        find_login({}, tmp_path)
    assert ".lakectl.yaml" in caught.value.message
    assert SECRET not in str(caught.value)


def test_secrets_show_in_no_repr(tmp_path):
    lakectl(tmp_path)
    login = find_login({}, tmp_path)
    assert SECRET not in f"{login!r} {login}"
    assert TOKEN not in f"{login!r} {login}"


def test_a_lakefs_project_without_a_login_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(InvalidError) as caught:
        find_endpoint(load(tmp_path, "engine: lakefs\nrepository: my-repo\n"), {})
    assert caught.value.kind == "no-configuration"
    assert "LAKECTL_SERVER_ENDPOINT_URL" in caught.value.hint
