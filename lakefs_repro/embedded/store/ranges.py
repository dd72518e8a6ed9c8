"""Ranges: immutable, content-addressed sorted runs of entries.

A range ends at a path whose hash says so, hence equal trees have equal ranges whatever their history, and a commit
rewrites only the ranges that its changes fall into. Encoded form: ``R1``, the length of the compressed head (4 bytes,
big endian), the head (JSON columns, deflated), then checksums and addresses as raw bytes where all are plain hashes.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from lakefs_repro.embedded.store.entry import SHA256_HEX_LENGTH, Entry

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAGIC = b"R1"
_MD5_HEX_LENGTH = 32
_AVERAGE_ENTRIES = 1024
_MIXER = 2654435761


class RangeInfo(NamedTuple):
    """A range as its metarange names it."""

    id: str
    first: str
    last: str
    length: int


def is_boundary(path: str) -> bool:
    """Whether a range ends after ``path``: one path in 1,024 says yes."""
    crc = zlib.crc32(path.encode())
    return ((crc * _MIXER) >> 16) % _AVERAGE_ENTRIES == 0


class Range:
    """A decoded range: columns, from which entries are made on demand."""

    __slots__ = ("_addresses", "_checksums", "_metadata", "_mtimes", "_sizes", "_type_of", "_types", "paths")

    def __init__(self, columns: dict[str, Any], checksums: str | None, addresses: str | None) -> None:
        self.paths: list[str] = columns["paths"]
        self._sizes: list[int] = columns["sizes"]
        self._mtimes: list[int] = columns["mtimes"]
        self._types: list[str] = columns["types"]
        self._type_of: list[int] | None = columns["type_of"]
        self._metadata: dict[str, dict[str, str]] = columns["metadata"]
        self._checksums: str | list[str] = columns["checksums"] if checksums is None else checksums
        self._addresses: str | list[str] = columns["addresses"] if addresses is None else addresses

    def __len__(self) -> int:
        return len(self.paths)

    def entry(self, index: int) -> Entry:
        return Entry(
            self.paths[index],
            _nth(self._checksums, index, _MD5_HEX_LENGTH),
            self._sizes[index],
            self._mtimes[index],
            _nth(self._addresses, index, SHA256_HEX_LENGTH),
            self._types[self._type_of[index] if self._type_of else 0],
            self._metadata.get(str(index)) if self._metadata else None,
        )


def _nth(column: str | list[str], index: int, width: int) -> str:
    return column[index * width : (index + 1) * width] if isinstance(column, str) else column[index]


def _packed(values: list[str], width: int) -> bytes | None:
    """The values as raw bytes when every one is a lower-case hash of that width."""
    joined = "".join(values)
    if set(map(len, values)) != {width}:
        return None
    try:
        raw = bytes.fromhex(joined)
    except ValueError:
        return None
    return raw if raw.hex() == joined else None


def encode(entries: Sequence[Entry]) -> tuple[RangeInfo, bytes]:
    """The range of these entries (sorted, not empty) and its stored form."""
    paths, checksums, sizes, mtimes, addresses, content_types, metadata = (
        list(column) for column in zip(*entries, strict=True)
    )
    types = sorted(set(content_types))
    raw_checksums, raw_addresses = _packed(checksums, _MD5_HEX_LENGTH), _packed(addresses, SHA256_HEX_LENGTH)
    columns = {
        "paths": paths,
        "sizes": sizes,
        "mtimes": mtimes,
        "types": types,
        "type_of": [types.index(name) for name in content_types] if len(types) > 1 else None,
        "metadata": {str(index): value for index, value in enumerate(metadata) if value},
        "checksums": checksums if raw_checksums is None else None,
        "addresses": addresses if raw_addresses is None else None,
    }
    head = json.dumps(columns, separators=(",", ":"), sort_keys=True).encode()
    raw = (raw_checksums or b"") + (raw_addresses or b"")
    digest = hashlib.sha256(b"lakefs-repro range 1\0" + len(head).to_bytes(8, "big") + head + raw).hexdigest()
    packed = zlib.compress(head, 1)
    info = RangeInfo(digest, paths[0], paths[-1], len(entries))
    return info, b"".join((_MAGIC, len(packed).to_bytes(4, "big"), packed, raw))


def decode(data: bytes) -> Range:
    length = int.from_bytes(data[2:6], "big")
    columns = json.loads(zlib.decompress(data[6 : 6 + length]))
    count, cursor = len(columns["paths"]), 6 + length
    checksums = addresses = None
    if columns["checksums"] is None:
        checksums = data[cursor : cursor + count * _MD5_HEX_LENGTH // 2].hex()
        cursor += count * _MD5_HEX_LENGTH // 2
    if columns["addresses"] is None:
        addresses = data[cursor : cursor + count * SHA256_HEX_LENGTH // 2].hex()
    return Range(columns, checksums, addresses)
