"""Reading straight from the object store, by URLs that the server signs, so that the bytes do not pass through it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import urllib3

from lakefs_repro.errors import InvalidError, UnavailableError
from lakefs_repro.lake.objects import Objects
from lakefs_repro.lake.values import ServerInfo
from lakefs_repro.transfer.download_stream import Opens
from lakefs_repro.transfer.ranged import OpenRange

SMALL: Final = 256 << 10

_OK: Final = 200
_PARTIAL: Final = 206
_TRIES: Final = 2
_PATIENCE: Final = 3


def reading_road(objects: Objects, server: ServerInfo, note: Callable[[str], None]) -> Opens:
    """The road by which large objects are best read from this server.

    The embedded engine signs URLs as well, but they lead back to itself.

    Args:
        objects: the repository's objects.
        server: what the server says of itself.
        note: told, once, when the store can't be reached from here.
    """
    return PresignedReads(objects, note) if reads_presigned(server) else objects


def range_road(
    objects: Objects, server: ServerInfo, note: Callable[[str], None]
) -> Callable[[str, str, int], OpenRange] | None:
    """The road by which parts of objects are best read, or ``None`` for the server's own.

    What it gives is called with a ref, a path and the object's bytes.
    """
    return PresignedReads(objects, note).ranges_of if reads_presigned(server) else None


def reads_presigned(server: ServerInfo) -> bool:
    """Whether large objects are read straight from the store, if it can be reached."""
    return server.presign and not server.extensions


class PresignedReads:
    """Objects read from where they lie; through the server when they are small, or when the store does not answer.

    Each opening asks for a fresh URL, so none of them is ever too old; a URL costs a request, which a small object is
    not worth. No credentials are sent to the store.

    Args:
        objects: the repository's objects, through the server.
        note: told, once, why the store is not asked any more.
    """

    def __init__(self, objects: Objects, note: Callable[[str], None]) -> None:
        self._objects = objects
        self._note = note
        self._lock = threading.Lock()
        self._failures = 0
        self._closed = False

    def get(self, ref: str, path: str) -> bytes:
        """A whole small object, through the server."""
        return self._objects.get(ref, path)

    def open(self, ref: str, path: str, *, start: int | None = None) -> urllib3.BaseHTTPResponse:
        """An object's content, unread, from byte ``start`` on; the caller calls ``release_conn``."""
        response = self._from_store(_Place(ref, path), _PARTIAL if start else _OK, start)
        # Without one, also to hear from the server what is wrong, when the store has no such object.
        return self._objects.open(ref, path, start=start) if response is None else response

    def ranges_of(self, ref: str, path: str, size: int) -> OpenRange:
        """A road to any part of an object of ``size`` bytes; a URL serves for many parts, until it is too old."""
        place = _Place(ref, path)

        def fetch(start: int, length: int) -> bytes:
            response = self._from_store(place, _PARTIAL, start, length) if size > SMALL else None
            data = _body(response, length, size) if response is not None else None
            return self._objects.get_range(ref, path, start, length, size=size) if data is None else data

        return fetch

    def _from_store(
        self, place: _Place, expected: int, start: int | None, length: int | None = None
    ) -> urllib3.BaseHTTPResponse | None:
        """The store's answer if its status is ``expected``; ``None`` sends the caller to the server."""
        if self._closed:
            return None
        status = 0
        for _ in range(_TRIES):
            url = place.url or self._url(place)
            if not url:
                return None
            try:
                response = self._objects.open_url(url, start=start, length=length)
            except UnavailableError:
                self._close("it can't be reached from here")
                return None
            if response.status == expected:
                self._failures = 0
                place.url = url if length is not None else ""
                return response
            status, place.url = response.status, ""
            response.close()
        self._failed(status)
        return None

    def _url(self, place: _Place) -> str:
        try:
            return self._objects.presigned_url(place.ref, place.path)
        except (UnavailableError, InvalidError):
            self._close("the server signs no URLs after all")
            return ""

    def _failed(self, status: int) -> None:
        with self._lock:
            self._failures += 1
            if self._failures < _PATIENCE:
                return
        self._close(f"it answered {status}, again and again")

    def _close(self, why: str) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._note(f"objects are read through the server, not from the store behind it: {why}")


@dataclass
class _Place:
    """An object, and the URL that last led to it, if it may be used again."""

    ref: str
    path: str
    url: str = ""


def _body(response: urllib3.BaseHTTPResponse, length: int, size: int) -> bytes | None:
    """``length`` bytes of an object of ``size`` bytes, or ``None`` when it is another, or the connection breaks."""
    data = b""
    try:
        if response.headers.get("Content-Range", "").rpartition("/")[2] == str(size):
            data = bytes(response.read(length, decode_content=False))
    except urllib3.exceptions.HTTPError:
        pass  # the server is asked next
    if len(data) != length:
        response.close()
        return None
    response.release_conn()
    return data
