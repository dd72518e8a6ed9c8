"""``lakefs-repro.yaml`` and the ecosystem's conventions for naming a lakeFS server.

Credentials never stand in the project's file: they come from ``LAKECTL_*``, from ``~/.lakectl.yaml``, or from the
embedded engine's own folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from lakefs_repro.errors import InvalidError
from lakefs_repro.model.names import check_dataset_name

FILE_NAME: Final = "lakefs-repro.yaml"
_MAX_BYTES: Final = 1 << 20
# PyYAML lets these through: for impossible dates and numbers, and for brackets nested a thousand deep.
_NOT_YAML: Final = (yaml.YAMLError, ValueError, RecursionError)


class DatasetConfig(BaseModel):
    """What the project says of one dataset."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contract: str | None = None
    exclude: tuple[str, ...] = ()


class EmbeddedConfig(BaseModel):
    """Where the embedded engine keeps its data, relative to the configuration file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: str = ".lakefs-repro/engine"


class ProjectConfig(BaseModel):
    """The whole of ``lakefs-repro.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: Literal["embedded", "lakefs"]
    repository: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{2,62}$")
    branch: str = "main"
    endpoint: str | None = None
    embedded: EmbeddedConfig = EmbeddedConfig()
    datasets: Mapping[str, DatasetConfig] = Field(default_factory=dict)

    @field_validator("datasets", mode="before")
    @classmethod
    def _empty_is_default(cls, value: Any) -> Any:
        return {k: v or {} for k, v in value.items()} if isinstance(value, dict) else value or {}

    @field_validator("datasets")
    @classmethod
    def _names(cls, value: Mapping[str, DatasetConfig]) -> Mapping[str, DatasetConfig]:
        for name in value:
            try:
                check_dataset_name(name)
            except InvalidError as error:
                raise ValueError(error.message) from error
        return value


class Config(BaseModel):
    """A project's configuration with the folder that its relative paths start from."""

    model_config = ConfigDict(frozen=True)

    project: ProjectConfig
    folder: Path
    file: Path | None = None

    @property
    def engine_root(self) -> Path:
        """The embedded engine's folder."""
        return (self.folder / self.project.embedded.root).resolve()

    @property
    def state(self) -> Path:
        """Journals and records of restores; it can be deleted at any time."""
        return self.folder / ".lakefs-repro" / "state"


class Login(BaseModel):
    """How to reach a lakeFS server."""

    model_config = ConfigDict(frozen=True)

    endpoint: str
    access_key_id: str
    secret_access_key: str = Field(repr=False)
    session_token: str | None = Field(default=None, repr=False)


def find_config(start: Path, environ: Mapping[str, str], home: Path) -> Config:
    """The configuration that holds for a folder.

    ``LAKEFS_REPRO_CONFIG``, else ``lakefs-repro.yaml`` in ``start`` or a folder above it, else what ``LAKECTL_*`` or
    ``~/.lakectl.yaml`` say together with ``LAKEFS_REPRO_REPOSITORY``.

    Raises:
        InvalidError: there is none (kind ``no-configuration``), or it is wrong.
    """
    named = environ.get("LAKEFS_REPRO_CONFIG")
    if named:
        return load_config(Path(named))
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return load_config(folder / FILE_NAME)
    if find_login(environ, home) is not None:
        repository = environ.get("LAKEFS_REPRO_REPOSITORY")
        if not repository:
            raise InvalidError(
                "A lakeFS server is configured, but no repository is named.",
                hint="run `lakefs-repro init`, or set LAKEFS_REPRO_REPOSITORY",
                kind="no-configuration",
            )
        return Config(project=parse_project({"engine": "lakefs", "repository": repository}, "LAKEFS_REPRO_REPOSITORY"),
                      folder=start)  # fmt: skip
    raise InvalidError(
        f"There is no {FILE_NAME} here or above, and no lakeFS server is configured.",
        hint="run `lakefs-repro init` (or `lakefs-repro init --embedded` for an engine on this machine)",
        kind="no-configuration",
    )


def load_config(path: Path) -> Config:
    """Read one configuration file.

    Raises:
        InvalidError: it is not there (kind ``no-configuration``), is no YAML, or a setting is wrong; file and key are
            named.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidError(
            f"{path} can't be read: {error.strerror}.", hint="run `lakefs-repro init`", kind="no-configuration"
        ) from error
    if len(data) > _MAX_BYTES:
        raise InvalidError(f"{path} is larger than 1 MiB, which no configuration is.", kind="bad-configuration")
    try:
        raw = yaml.safe_load(data)
    except _NOT_YAML as error:
        raise InvalidError(f"{path} is no YAML: {error}.", kind="bad-configuration") from error
    return Config(project=parse_project(raw, str(path)), folder=path.resolve().parent, file=path.resolve())


def parse_project(raw: object, source: str) -> ProjectConfig:
    """Check settings; ``source`` names where they come from.

    Raises:
        InvalidError: one is wrong (kind ``bad-configuration``); its key is named.
    """
    if not isinstance(raw, dict):
        raise InvalidError(f"{source} holds no settings.", hint="run `lakefs-repro init`", kind="bad-configuration")
    try:
        return ProjectConfig.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise InvalidError(
            f"{source}: `{key}`: {first['msg']}{more}.",
            hint="docs/reference/configuration.md lists every setting",
            kind="bad-configuration",
        ) from error


def find_login(environ: Mapping[str, str], home: Path, endpoint: str | None = None) -> Login | None:
    """The server's address and credentials by the ecosystem's convention, or ``None``.

    ``LAKECTL_SERVER_ENDPOINT_URL`` and ``LAKECTL_CREDENTIALS_*`` go before the file ``LAKECTL_CONFIG_FILE`` or
    ``~/.lakectl.yaml``; an ``endpoint`` of the project goes before both.
    """
    stored = _lakectl_file(Path(environ.get("LAKECTL_CONFIG_FILE") or home / ".lakectl.yaml"))
    url = endpoint or environ.get("LAKECTL_SERVER_ENDPOINT_URL") or stored.get("endpoint")
    key = environ.get("LAKECTL_CREDENTIALS_ACCESS_KEY_ID") or stored.get("key")
    secret = environ.get("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY") or stored.get("secret")
    if not (url and key and secret):
        return None
    token = environ.get("LAKECTL_CREDENTIALS_SESSION_TOKEN") or stored.get("token")
    return Login(endpoint=url, access_key_id=key, secret_access_key=secret, session_token=token or None)


def require_same_server(project: str, environ: Mapping[str, str], home: Path) -> None:
    """Keep credentials from a server that they are not for: a project's file may come from anybody.

    Args:
        project: the endpoint that the project's file names.
        environ: environment variables.
        home: the home folder.

    Raises:
        InvalidError: ``LAKECTL_*`` or ``~/.lakectl.yaml`` say that the credentials belong to another server.
    """
    stored = _lakectl_file(Path(environ.get("LAKECTL_CONFIG_FILE") or home / ".lakectl.yaml"))
    from_environment = bool(environ.get("LAKECTL_CREDENTIALS_ACCESS_KEY_ID"))
    theirs = environ.get("LAKECTL_SERVER_ENDPOINT_URL") or (None if from_environment else stored.get("endpoint"))
    if theirs and _origin(theirs) != _origin(project):
        raise InvalidError(
            f"This project names the server {_shown(project)}, but your credentials are for {_shown(theirs)}; "
            "they were not sent.",
            hint=f"if you trust it, set LAKECTL_SERVER_ENDPOINT_URL={_shown(project)} with its credentials",
            kind="other-server",
        )


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url if "//" in url else f"//{url}")
    scheme = parts.scheme or "http"
    return scheme, (parts.hostname or "").lower(), parts.port or {"http": 80, "https": 443}.get(scheme)


def _shown(url: str) -> str:
    scheme, host, port = _origin(url)
    return f"{scheme}://{host}:{port}"


def _lakectl_file(path: Path) -> dict[str, str]:
    try:
        raw = yaml.safe_load(path.read_bytes())
    except OSError:
        return {}
    except _NOT_YAML as error:
        raise InvalidError(f"{path} is no YAML.", hint="mend or remove it", kind="bad-configuration") from error
    if not isinstance(raw, dict):
        return {}
    server, login = raw.get("server"), raw.get("credentials")
    server = server if isinstance(server, dict) else {}
    login = login if isinstance(login, dict) else {}
    found = {
        "endpoint": server.get("endpoint_url"),
        "key": login.get("access_key_id"),
        "secret": login.get("secret_access_key"),
        "token": login.get("session_token"),
    }
    return {name: str(value) for name, value in found.items() if value}
