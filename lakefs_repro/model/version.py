"""Versions of datasets: SemVer 2.0, and ranges of them as npm writes them.

A thin value over the ``semantic_version`` library, which is imported when the first version is parsed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import total_ordering
from typing import TYPE_CHECKING, Any, Literal

from lakefs_repro.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["FIRST_VERSION", "LATEST", "MAX_LENGTH", "Bump", "Version", "VersionRange"]

Bump = Literal["major", "minor", "patch"]

LATEST = "latest"
# Tags and branches are made of it; nobody types more.
MAX_LENGTH = 100

_CHARACTERS = re.compile(r"[0-9A-Za-z.+-]+")
_TILDE_PRERELEASE = re.compile(r"~v?((0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.[0-9]+-[0-9A-Za-z.-]+)")


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """One semantic version, such as ``Version("1.2.0")`` or ``Version("2.0.0-rc.1")``.

    Ordered by precedence (https://semver.org/#spec-item-11). Versions that differ in build metadata alone
    are different; SemVer leaves their order open, and here it is that of the metadata.

    Raises:
        InvalidError: the text is not a version.
    """

    text: str
    _parsed: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        from semantic_version import Version as Parsed  # noqa: PLC0415 - 40 ms that --version must not pay

        try:
            # The library takes other alphabets' digits and a final newline.
            if len(self.text) > MAX_LENGTH or not _CHARACTERS.fullmatch(self.text):
                raise ValueError(self.text)  # noqa: TRY301
            parsed = Parsed(self.text)
        except ValueError as error:
            raise InvalidError(
                f"{self.text!r} is not a semantic version.",
                hint="Write MAJOR.MINOR.PATCH, such as 1.2.0 or 2.0.0-rc.1, without leading zeros.",
                kind="invalid-version",
            ) from error
        object.__setattr__(self, "_parsed", parsed)

    @property
    def major(self) -> int:
        return int(self._parsed.major)

    @property
    def minor(self) -> int:
        return int(self._parsed.minor)

    @property
    def patch(self) -> int:
        return int(self._parsed.patch)

    @property
    def is_prerelease(self) -> bool:
        return bool(self._parsed.prerelease)

    def bump(self, part: Bump) -> Version:
        """The next version in this part; a prerelease is followed by its own release (as ``npm version``)."""
        following = {
            "major": self._parsed.next_major,
            "minor": self._parsed.next_minor,
            "patch": self._parsed.next_patch,
        }
        return Version(str(following[part]()))

    def __lt__(self, other: Version) -> bool:
        return self._key() < other._key()

    def __str__(self) -> str:
        return self.text

    def _key(self) -> tuple[Any, str]:
        return self._parsed.precedence_key, self.text


FIRST_VERSION = "1.0.0"


@dataclass(frozen=True, slots=True)
class VersionRange:
    """A set of versions: ``^1.1``, ``~1.2``, ``>=1,<2``, ``1.x``, ``1.2 - 1.4``, ``^1 || ^3``, ``latest``.

    Meaning as in npm (https://github.com/npm/node-semver#ranges), with commas allowed for spaces.
    Prereleases match only where the range names a prerelease of the same MAJOR.MINOR.PATCH as a lower
    bound; ``latest`` is the newest release, or the newest prerelease while there is nothing else.

    Raises:
        InvalidError: the text is not a range.
    """

    text: str
    _spec: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _canonical(self.text))
        object.__setattr__(self, "_spec", None if self.text == LATEST else _parse_range(self.text))

    def matches(self, version: Version) -> bool:
        """Whether the version lies in the range. ``latest``, which depends on the others, takes any."""
        return self._spec is None or bool(self._spec.match(version._parsed))  # noqa: SLF001

    def best(self, versions: Iterable[Version]) -> Version | None:
        """The highest of the versions that match, or None."""
        matching = [version for version in versions if self.matches(version)]
        if self._spec is None:
            matching = [version for version in matching if not version.is_prerelease] or matching
        return max(matching, default=None)

    def __str__(self) -> str:
        return self.text


def _canonical(text: str) -> str:
    text = re.sub(r"\s+", " ", text.strip())
    text = re.sub(r"([<>=^~]) ", r"\1", text)
    alternatives = []
    for alternative in text.split("||"):
        stripped = alternative.strip(" ,")
        if " - " not in stripped:
            stripped = re.sub(r"[ ,]+", ",", stripped)
        alternatives.append(stripped)
    return " || ".join(alternatives)


def _parse_range(text: str) -> Any:
    from semantic_version import NpmSpec  # noqa: PLC0415 - see Version

    try:
        # To the library, an empty alternative means "any": here it is a slip of the pen.
        if not text.isascii() or len(text) > MAX_LENGTH or not all(text.split(" || ")):
            raise ValueError(text)  # noqa: TRY301
        return NpmSpec(_TILDE_PRERELEASE.sub(_spell_out_tilde, text.replace(",", " ")))
    except ValueError as error:
        raise InvalidError(
            f"{text!r} is not a range of versions.",
            hint="Write for example ^1.1, ~1.2, '>=1,<2', 1.x or latest.",
            kind="invalid-version",
        ) from error


def _spell_out_tilde(match: re.Match[str]) -> str:
    # semantic_version 2.10 takes ~1.2.0-rc.1 for ">=1.2.0-rc.1 <1.2.0"; npm for "<1.3.0".
    return f">={match[1]} <{match[2]}.{int(match[3]) + 1}.0"
