"""The names that datasets, versions, pins and ingests have inside lakeFS, both ways.

A dataset's name never holds ``-v<digit>``, so the first one in a tag or a pin ends the dataset's name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lakefs_repro.errors import InvalidError
from lakefs_repro.model.version import Version

if TYPE_CHECKING:
    from datetime import datetime

LEDGER_BRANCH = "repro-ledger"
HASHES = "hashes-"
COPIES = "copy-"
SIDECAR = "_lakefs_repro/"
MAX_DATASET_LENGTH = 64
MAX_RELEASE_LENGTH = 64

_DATASET = re.compile(r"(?!.*-v[0-9])[a-z](?:[a-z0-9-]*[a-z0-9])?")
_VERSIONED = re.compile(r"(?P<dataset>.+?)-v(?P<version>[0-9].*)")
# No name that could be read as a version's: release-v1.0.0 would be version 1.0.0 of a dataset called release.
_RELEASE = re.compile(r"(?!.*\.\.)(?!(?:.*-)?v[0-9])(?!.*\.lock$)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_INGEST = re.compile(r"ingest-(?P<dataset>.+)-(?P<ulid>[0-7][0-9a-hjkmnp-tv-z]{25})")
_WRITE = re.compile(r"write-(?P<dataset>.+)-(?P<name>[a-z0-9_]+)")
_COPY = re.compile(r"copy-(?P<dataset>.+)-[0-9a-f]{16}")
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_RELEASE_MARK = "release-"
_RANDOMNESS_BYTES = 10
_TIMESTAMP_BYTES = 6


def is_dataset_name(name: str) -> bool:
    return len(name) <= MAX_DATASET_LENGTH and _DATASET.fullmatch(name) is not None


def check_dataset_name(name: str) -> str:
    """Return the name, or raise InvalidError saying what a dataset's name must look like."""
    if is_dataset_name(name):
        return name
    raise InvalidError(
        f"{name!r} is not a name for a dataset.",
        hint=(
            "Use lower-case letters, digits and '-', beginning with a letter, not ending with '-', without "
            f"'-v' before a digit, at most {MAX_DATASET_LENGTH} characters: for example flights."
        ),
        kind="invalid-name",
    )


def tag_name(dataset: str, version: Version | str) -> str:
    """The tag of a version: ``flights-v1.2.0``."""
    return f"{check_dataset_name(dataset)}-v{_version(version)}"


def parse_tag(tag: str) -> tuple[str, Version] | None:
    """The dataset and version that a tag stands for, or None when it is somebody else's tag."""
    match = _VERSIONED.fullmatch(tag)
    return _dataset_and_version(match["dataset"], match["version"]) if match else None


def pin_branch(dataset: str, version: Version | str) -> str:
    """The hidden branch that keeps a version's objects: ``pin-flights-v1_2_0``.

    Branches can't hold ``.`` or ``+``. SemVer's identifiers hold no ``_`` and are never empty, so ``_``
    for ``.`` and ``__`` for ``+`` can be told apart again.
    """
    text = str(_version(version)).replace(".", "_").replace("+", "__")
    return f"pin-{check_dataset_name(dataset)}-v{text}"


def parse_pin_branch(branch: str) -> tuple[str, Version] | None:
    """The dataset and version that a branch pins, or None when it is no pin."""
    match = _VERSIONED.fullmatch(branch.removeprefix("pin-")) if branch.startswith("pin-") else None
    if match is None or "." in match["version"] or "+" in match["version"]:
        return None
    return _dataset_and_version(match["dataset"], match["version"].replace("__", "+").replace("_", "."))


def ingest_branch(dataset: str, ulid: str) -> str:
    """The short-lived branch of one ingest: ``ingest-flights-01j9…``."""
    return f"ingest-{check_dataset_name(dataset)}-{check_ulid(ulid).lower()}"


def parse_ingest_branch(branch: str) -> tuple[str, str] | None:
    """The dataset and ULID (upper case) of an ingest branch, or None when it is another branch."""
    match = _INGEST.fullmatch(branch)
    if match is None or not is_dataset_name(match["dataset"]):
        return None
    return match["dataset"], match["ulid"].upper()


def tree_branch(ulid: str) -> str:
    """The scratch branch on which an ingest puts a tree together that others wrote: ``tree-01j9…``."""
    return f"tree-{check_ulid(ulid).lower()}"


def copy_branch(dataset: str, mark: str) -> str:
    """The hidden branch onto which a bucket's objects are taken at first: ``copy-flights-1a2b…``."""
    return f"{COPIES}{check_dataset_name(dataset)}-{mark}"


def parse_copy_branch(branch: str) -> str | None:
    """The dataset of such a branch, or None when it is another branch."""
    match = _COPY.fullmatch(branch)
    return match["dataset"] if match and is_dataset_name(match["dataset"]) else None


def write_branch(dataset: str, name: str) -> str:
    """The branch that is handed out for others to write to: ``write-flights-nightly``.

    Raises:
        InvalidError: ``name`` is not of lower-case letters, digits and ``_``, at most 64 of them.
    """
    branch = f"write-{check_dataset_name(dataset)}-{name}"
    if len(name) > MAX_DATASET_LENGTH or not _WRITE.fullmatch(branch) or "-" in name:
        raise InvalidError(
            f"{name!r} is not a name for a branch of {dataset}.",
            hint="Use lower-case letters, digits and '_': nightly_2024_04.",
            kind="invalid-name",
        )
    return branch


def parse_write_branch(branch: str) -> tuple[str, str] | None:
    """The dataset and name of a branch that was handed out, or None when it is another branch."""
    match = _WRITE.fullmatch(branch)
    if match is None or not is_dataset_name(match["dataset"]):
        return None
    return match["dataset"], match["name"]


def hashes_branch(dataset: str) -> str:
    """The hidden branch where workers leave what they hashed for a dataset, until it is published."""
    return HASHES + check_dataset_name(dataset)


def check_release_name(name: str) -> str:
    """Return the name, or raise InvalidError saying what a release's name must look like."""
    if len(name) <= MAX_RELEASE_LENGTH and _RELEASE.fullmatch(name):
        return name
    raise InvalidError(
        f"{name!r} is not a name for a release.",
        hint=(
            "Use lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit, without 'v' "
            f"before a digit at its beginning or after a '-', at most {MAX_RELEASE_LENGTH} characters: for example "
            "2024-q3 or 1.2.0."
        ),
        kind="invalid-name",
    )


def release_tag(name: str) -> str:
    """The tag of a release: ``release-2024-q3``."""
    return f"{_RELEASE_MARK}{check_release_name(name)}"


def parse_release_tag(tag: str) -> str | None:
    """The release that a tag stands for, or None when it is another tag."""
    name = tag.removeprefix(_RELEASE_MARK)
    known = tag.startswith(_RELEASE_MARK) and len(name) <= MAX_RELEASE_LENGTH and _RELEASE.fullmatch(name)
    return name if known else None


def release_pin(name: str) -> str:
    """The hidden branch that keeps a release's objects, with ``_`` for ``.``: ``pin-release-2024-q3``."""
    return f"pin-{release_tag(name).replace('.', '_')}"


def parse_release_pin(branch: str) -> str | None:
    """The release that a branch pins, or None when it is another branch."""
    if not branch.startswith("pin-") or "." in branch:
        return None
    return parse_release_tag(branch.removeprefix("pin-").replace("_", "."))


def compose_branch(ulid: str) -> str:
    """The short-lived branch on which a release is put together: ``compose-01j9…``."""
    return f"compose-{check_ulid(ulid).lower()}"


def dataset_prefix(dataset: str) -> str:
    """Where a dataset's files lie in its repository, with the final slash."""
    return f"{check_dataset_name(dataset)}/"


def sidecar_prefix(dataset: str) -> str:
    """Where what belongs to a dataset, but is not its data, lies, with the final slash."""
    return f"{SIDECAR}{check_dataset_name(dataset)}/"


def head_path(dataset: str) -> str:
    return f"{sidecar_prefix(dataset)}head.json"


def chunk_path(dataset: str, name: str) -> str:
    """Where a manifest's chunk lies."""
    return f"{sidecar_prefix(dataset)}manifest/{name}"


def new_ulid(timestamp_ms: int, randomness: bytes) -> str:
    """A ULID (https://github.com/ulid/spec) of this time in milliseconds since 1970 and these 10 bytes."""
    from ulid import ULID  # noqa: PLC0415 - 50 ms that --version must not pay

    if len(randomness) != _RANDOMNESS_BYTES:
        raise InvalidError(f"A ULID takes {_RANDOMNESS_BYTES} random bytes, not {len(randomness)}.")
    try:
        stamp = timestamp_ms.to_bytes(_TIMESTAMP_BYTES, "big")
    except OverflowError as error:
        raise InvalidError(
            f"The time {timestamp_ms} ms does not fit into a ULID.", hint="Set this machine's clock."
        ) from error
    return str(ULID.from_bytes(stamp + randomness))


def is_ulid(text: str) -> bool:
    return _ULID.fullmatch(text.upper()) is not None


def check_ulid(ulid: str) -> str:
    """Return the ULID in upper case, or raise InvalidError."""
    if not is_ulid(ulid):
        raise InvalidError(f"{ulid!r} is not a ULID.", hint="It has 26 letters and digits, such as 01J9….")
    return ulid.upper()


def ulid_time(ulid: str) -> datetime:
    """When a ULID was made, in UTC."""
    from ulid import ULID  # noqa: PLC0415 - see new_ulid

    made: datetime = ULID.from_str(check_ulid(ulid)).datetime
    return made


def _version(version: Version | str) -> Version:
    return version if isinstance(version, Version) else Version(version)


def _dataset_and_version(dataset: str, version: str) -> tuple[str, Version] | None:
    if not is_dataset_name(dataset):
        return None
    try:
        return dataset, Version(version)
    except InvalidError:
        return None
