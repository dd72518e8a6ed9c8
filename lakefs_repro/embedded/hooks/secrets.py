"""Secrets in a hook's properties: names in the file, values in the environment."""

from __future__ import annotations

import os
import re

_PREFIX = "LAKEFSACTION_"
_PLACE = re.compile(r"\{\{\s*ENV\.(\w+)\s*\}\}")


class PropertyError(Exception):
    """A hook's properties that can't be used."""


def with_secrets(text: str, doing: str) -> str:
    """``{{ ENV.NAME }}`` replaced: by variables meant for actions, and by nothing for any others, as in lakeFS.

    Raises:
        PropertyError: there is no variable of a name that is meant for actions.
    """

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if not name.startswith(_PREFIX):
            return ""
        if name not in os.environ:
            raise PropertyError(f"{doing}: {name} not found: missing env var")
        return os.environ[name]

    return _PLACE.sub(value, text)
