"""Reading straight from the object store, by URLs that the server signs, so that the bytes do not pass through it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import urllib3

from lakefs_repro.errors import InvalidError, UnavailableError
from lakefs_repro.lake.objects import Objects
from lakefs_repro.lake.values import ServerInfo
from lakefs_repro.transfer.download_stream import Opens

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
        if not self._closed:
            response = self._from_store(ref, path, start)
            if response is not None:
                return response
        # Also to hear from the server what is wrong, when the store has no such object.
        return self._objects.open(ref, path, start=start)

    def _from_store(self, ref: str, path: str, start: int | None) -> urllib3.BaseHTTPResponse | None:
        status = 0
        for _ in range(_TRIES):
            try:
                url = self._objects.presigned_url(ref, path)
            except (UnavailableError, InvalidError):
                self._close("the server signs no URLs after all")
                return None
            try:
                response = self._objects.open_url(url, start=start)
            except UnavailableError:
                self._close("it can't be reached from here")
                return None
            if response.status == (_PARTIAL if start else _OK):
                self._failures = 0
                return response
            status = response.status
            response.close()
        with self._lock:
            self._failures += 1
            if self._failures < _PATIENCE:
                return None
        self._close(f"it answered {status}, again and again")
        return None

    def _close(self, why: str) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._note(f"objects are read through the server, not from the store behind it: {why}")
