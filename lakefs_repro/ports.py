"""Small doors to outside worlds, so that tests and front ends can bring their own."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Who is told how far long work has come; called from any thread, must return at once."""

    def step(self, name: str, *, total: int | None = None, unit: str = "") -> None:
        """A step of the work begins; ``total`` is its size in ``unit`` when that is known."""

    def advance(self, amount: int = 1) -> None:
        """``amount`` more of the current step is done."""

    def note(self, text: str) -> None:
        """Something worth telling a person, in one sentence."""


class Ranged(Protocol):
    """Bytes that lie elsewhere and can be read from any place; called from any thread, many at once."""

    @property
    def size(self) -> int:
        """How many bytes there are."""

    def read(self, start: int, length: int) -> bytes:
        """Exactly the ``length`` bytes from ``start`` on, which all lie within ``size``.

        Raises:
            LakefsReproError: they can't be had: never fewer bytes, nor others.
        """


class Silence:
    """Progress that nobody watches."""

    def step(self, name: str, *, total: int | None = None, unit: str = "") -> None:
        """Ignore it."""

    def advance(self, amount: int = 1) -> None:
        """Ignore it."""

    def note(self, text: str) -> None:
        """Ignore it."""
