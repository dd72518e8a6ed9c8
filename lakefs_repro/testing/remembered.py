"""Servers that clients remember for the whole process, although the next test's is another one."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# The lakefs package makes a client from the environment once, and keeps it in a class variable without another way in.
_WRAPPER_CLIENT = "_BaseLakeFSObject__client"


@contextmanager
def forgotten() -> Iterator[None]:
    """Within the block, clients look for their server anew; afterwards they know what they knew before.

    A client that this does not know how to handle is left as it is.
    """
    known = _wrapper_client()
    _set_wrapper_client(None)
    _clear_file_systems()
    try:
        yield
    finally:
        _set_wrapper_client(known)
        _clear_file_systems()


def _wrapper_class() -> Any:
    """The class of the ``lakefs`` package that keeps the client; None where it is not loaded, or made otherwise."""
    base = getattr(sys.modules.get("lakefs.client"), "_BaseLakeFSObject", None)
    return base if hasattr(base, _WRAPPER_CLIENT) else None


def _wrapper_client() -> Any:
    base = _wrapper_class()
    return None if base is None else getattr(base, _WRAPPER_CLIENT)


def _set_wrapper_client(client: Any) -> None:
    base = _wrapper_class()
    if base is not None:
        setattr(base, _WRAPPER_CLIENT, client)


def _clear_file_systems() -> None:
    """The same arguments give the same file system again, whatever the environment says by now."""
    file_system = getattr(sys.modules.get("lakefs_spec"), "LakeFSFileSystem", None)
    if file_system is not None:
        file_system.clear_instance_cache()
