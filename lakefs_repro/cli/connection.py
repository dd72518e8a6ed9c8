"""From where the command was typed to the lake that its configuration means."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lakefs_repro.cli.result import Where

if TYPE_CHECKING:
    from lakefs_repro.api.config import Config
    from lakefs_repro.api.lake import Lake
    from lakefs_repro.cli.conversation import Conversation
    from lakefs_repro.lake.endpoint import Endpoint

__all__ = ["open_endpoint", "open_lake", "read_config", "where_of"]


def read_config() -> Config:
    """The configuration that holds for the current folder.

    Raises:
        InvalidError: there is none, or it is wrong.
    """
    from lakefs_repro.api.config import find_config  # noqa: PLC0415 - pydantic and YAML, not for --help

    return find_config(Path.cwd(), os.environ, Path.home())


def open_endpoint(config: Config) -> Endpoint:
    """The server that a configuration means; an embedded engine is started when it does not run."""
    from lakefs_repro.api.connect import find_endpoint  # noqa: PLC0415 - everything, not for --help

    return find_endpoint(config, os.environ)


def open_lake(conversation: Conversation, config: Config | None = None) -> Lake:
    """The lake of the current folder's configuration; its embedded engine is started when it does not run."""
    from lakefs_repro.api.connect import connect  # noqa: PLC0415 - everything, not for --help

    return connect(config or read_config(), progress=conversation.progress)


def where_of(lake: Lake) -> Where:
    """What a result about this lake names."""
    return Where(lake.context.engine, lake.context.repository.name)
