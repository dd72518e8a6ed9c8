"""The Range header, as lakeFS reads it: one range; a list of them or a backward one can't be satisfied."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lakefs_repro.embedded.errors import ApiError, bad_request

# What "bytes=((\d*-\d*,? ?)+)" matches, written so that there is one way only to match it.
_SHAPE = re.compile(r"bytes=\d*-[\d-]*((, ?| )\d*-[\d-]*)*(, ?| )?", re.ASCII)
_LARGEST = 2**63 - 1
_LONGEST = 100
_ONE = re.compile(r"(\d*)-(\d*)", re.ASCII)


class UnsatisfiableError(ApiError):
    """416; ``content_range`` is the header to send, or None."""

    def __init__(self, content_range: str | None) -> None:
        super().__init__(416, "Requested Range Not Satisfiable")
        self.content_range = content_range


@dataclass(frozen=True)
class ByteRange:
    """``length`` bytes from ``start`` on, of ``size``."""

    start: int
    length: int
    size: int

    @property
    def content_range(self) -> str:
        return f"bytes {self.start}-{self.start + self.length - 1}/{self.size}"


def parse(header: str, size: int) -> ByteRange:
    """The part of ``size`` bytes that ``header`` asks for."""
    if not _SHAPE.fullmatch(header):
        raise bad_request(
            'parameter "Range" in header has an error: string doesn\'t match the regular expression '
            '"^bytes=((\\d*-\\d*,? ?)+)$"'
        )
    match = _ONE.fullmatch(header.removeprefix("bytes="))
    if match is None or not any(match.groups()):
        raise UnsatisfiableError(None)
    first, last = match.groups()
    if max(len(first), len(last)) > _LONGEST:
        raise UnsatisfiableError(None)
    if not first:
        return _suffix(int(last), size)
    start, end = int(first), int(last) if last else size - 1
    if max(start, end) > _LARGEST or (last and end < start):
        raise UnsatisfiableError(None)
    if start >= size:
        raise UnsatisfiableError(f"bytes */{size}")
    return ByteRange(start, min(end, size - 1) - start + 1, size)


def _suffix(count: int, size: int) -> ByteRange:
    if count > _LARGEST:
        raise UnsatisfiableError(None)
    if size == 0 and count:
        raise ApiError(500, "bad index")
    if count == 0:
        raise UnsatisfiableError(f"bytes */{size}")
    start = max(0, size - count)
    return ByteRange(start, size - start, size)
