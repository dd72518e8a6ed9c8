"""The annotation: a snapshot's lineage as commit metadata, which outlives the data itself.

lakeFS takes a flat map of strings; ours all begin with ``repro.``. The annotation stays below 64 KB, since
the key-value stores behind a lakeFS server have limits of their own (DynamoDB: 400 KB an item).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from lakefs_repro.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EXTERNAL", "FORMAT", "Annotation", "Input", "is_annotation"]

FORMAT = "1"
PREFIX = "repro."
EXTERNAL = "repro.external"
# Of the 64 KB, some are left for what a user adds to a commit.
MAX_BYTES = 56 * 1024
MAX_QUERY_BYTES = 8 * 1024
MAX_INPUTS_BYTES = 24 * 1024

_DIRTY = "-dirty"
_REQUIRED = ("ingest", "dataset", "version", "digest")
_NUMBERS = ("rows", "bytes", "files", "inputs_omitted")
_APART = ("inputs", "code", "code_dirty", "extra")


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A snapshot that this one was made from; what is not known is empty."""

    ref: str
    dataset: str = ""
    version: str = ""
    commit: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """What a commit says about the snapshot that it holds. Never a row's values.

    Attributes:
        ingest: the ULID of the ingest.
        digest: the manifest's root.
        schema: the hash of the contract that the data was held to.
        rows: None when the files are not tables.
        inputs: what it was made from; ``inputs_omitted`` counts those that did not fit, and
            ``inputs_sha256`` is then the hash of the whole list as JSON.
        job: who or what ran the ingest, such as a job's URL.
        query: the text of the query that made the data, cut to 8 KB; ``query_sha256`` is of all of it.
        code: the git commit of the code that ran, and whether it had been changed since.
        ledger: the head of the ledger that was seen.
        commit: on a merge, the ingest commit that was merged.
        previous: the version before, "" for the first.
        rolled_back_to: on a rollback, the version whose content this one has again.
        sha256_by: where the hashes come from: ``client``, ``worker`` or ``store``.
        extra: other ``repro.*`` keys, of tools newer than this one, kept as they were.
    """

    ingest: str
    dataset: str
    version: str
    digest: str
    schema: str = ""
    rows: int | None = None
    bytes: int = 0
    files: int = 0
    inputs: tuple[Input, ...] = ()
    inputs_omitted: int = 0
    inputs_sha256: str = ""
    job: str = ""
    query: str = ""
    query_sha256: str = ""
    code: str = ""
    code_dirty: bool = False
    ledger: str = ""
    commit: str = ""
    previous: str = ""
    rolled_back_to: str = ""
    tool: str = ""
    sha256_by: str = ""
    extra: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def external(self) -> bool:
        """Whether some of the snapshot's bytes lie outside the repository's storage, where they can change or go."""
        return self.extra.get(EXTERNAL) == "true"

    def shortened(self) -> Annotation:
        """The same with query and inputs cut to what fits, and their hashes; what ``encode`` writes."""
        shorter = self
        if self.query and not self.query_sha256:
            whole = self.query.encode()
            shorter = replace(
                shorter,
                query=whole[:MAX_QUERY_BYTES].decode(errors="ignore"),
                query_sha256=sha256(whole).hexdigest(),
            )
        if self.inputs and not self.inputs_sha256:
            listed = _inputs_json(self.inputs).encode()
            kept = _fitting(self.inputs)
            if kept < len(self.inputs):
                shorter = replace(
                    shorter,
                    inputs=self.inputs[:kept],
                    inputs_omitted=len(self.inputs) - kept,
                    inputs_sha256=sha256(listed).hexdigest(),
                )
        return shorter

    def encode(self) -> dict[str, str]:
        """The commit metadata. InvalidError when it is too large even after shortening."""
        shorter = self.shortened()
        metadata = {f"{PREFIX}format": FORMAT}
        for each in fields(shorter):
            value = getattr(shorter, each.name)
            if each.name in _APART or value is None or (value in ("", 0) and each.default == value):
                continue
            metadata[PREFIX + each.name] = str(value)
        for name in ("bytes", "files"):
            metadata[PREFIX + name] = str(getattr(shorter, name))
        metadata[f"{PREFIX}previous"] = shorter.previous
        if shorter.inputs:
            metadata[f"{PREFIX}inputs"] = _inputs_json(shorter.inputs)
        if shorter.code:
            metadata[f"{PREFIX}code"] = shorter.code + (_DIRTY if shorter.code_dirty else "")
        metadata = {**shorter.extra, **metadata}
        _check_size(metadata)
        return metadata

    @classmethod
    def decode(cls, metadata: Mapping[str, str]) -> Annotation:
        """Read commit metadata; keys that don't begin with ``repro.`` are other people's and are ignored.

        Raises:
            InvalidError: it is no annotation, of another format, or a value is malformed.
        """
        ours = {key.removeprefix(PREFIX): value for key, value in metadata.items() if key.startswith(PREFIX)}
        found = ours.pop("format", None)
        if found != FORMAT:
            raise InvalidError(
                f"The commit's annotation has the format {found!r}; this release reads {FORMAT!r}."
                if found
                else "The commit carries no annotation.",
                hint="Upgrade lakefs-repro." if found else "Name a commit that lakefs-repro has made.",
                kind="invalid-annotation",
            )
        missing = [name for name in _REQUIRED if not ours.get(name)]
        if missing:
            raise _malformed(missing[0], "is missing")
        values: dict[str, object] = {"extra": {}}
        known = {each.name for each in fields(cls)} - {"extra", "code_dirty"}
        for key, value in ours.items():
            if key in known:
                values[key] = _decode_value(key, value)
        values["extra"] = {PREFIX + key: value for key, value in ours.items() if key not in known}
        code = ours.get("code", "")
        values["code"], values["code_dirty"] = code.removesuffix(_DIRTY), code.endswith(_DIRTY)
        return cls(**values)  # type: ignore[arg-type]  # each was decoded to its field's type


def is_annotation(metadata: Mapping[str, str]) -> bool:
    """Whether a commit says that it was made by this toolkit, in whatever format."""
    return f"{PREFIX}format" in metadata and f"{PREFIX}dataset" in metadata


def _decode_value(key: str, value: str) -> object:
    if key == "inputs":
        return _decode_inputs(value)
    if key not in _NUMBERS:
        return value
    if not (value.isascii() and value.isdigit()):
        raise _malformed(key, f"is {value[:40]!r}, not a number")
    return int(value)


def _decode_inputs(value: str) -> tuple[Input, ...]:
    try:
        listed = json.loads(value)
        return tuple(Input(**{each.name: str(one.get(each.name, "")) for each in fields(Input)}) for one in listed)
    except (ValueError, TypeError, AttributeError) as error:
        raise _malformed("inputs", "is not a JSON list of inputs") from error


def _inputs_json(inputs: tuple[Input, ...]) -> str:
    listed = [{each.name: getattr(one, each.name) for each in fields(one)} for one in inputs]
    return json.dumps(listed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _fitting(inputs: tuple[Input, ...]) -> int:
    size = len("[]")
    for count, one in enumerate(inputs):
        size += len(_inputs_json((one,)).encode()) - 1
        if size > MAX_INPUTS_BYTES:
            return count
    return len(inputs)


def _check_size(metadata: Mapping[str, str]) -> None:
    sizes = {key: len(key.encode()) + len(value.encode()) for key, value in metadata.items()}
    total = sum(sizes.values())
    if total > MAX_BYTES:
        largest = max(sizes, key=lambda key: sizes[key])
        raise InvalidError(
            f"The annotation would be {total} bytes, above {MAX_BYTES}; the largest key is {largest!r} "
            f"with {sizes[largest]} bytes.",
            hint=f"Shorten what goes into {largest!r}, for example to a link to it.",
            kind="invalid-annotation",
        )


def _malformed(key: str, why: str) -> InvalidError:
    return InvalidError(
        f"The commit's annotation is malformed: {PREFIX}{key} {why}.",
        hint="It was not written by lakefs-repro; see who made the commit.",
        kind="invalid-annotation",
    )
