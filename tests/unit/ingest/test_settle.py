"""Done, failed, unknown: and unknown is resolved by looking."""

from __future__ import annotations

import pytest

from lakefs_repro.errors import AlreadyExistsError, ConflictError, InvalidError, UnavailableError, UnknownOutcomeError
from lakefs_repro.ingest.settle import NOTHING_TO_DO, TAKEN, settle


class World:
    """A write that may take effect and may fail, in the order of ``happens``."""

    def __init__(self, *happens) -> None:
        self.happens = list(happens)
        self.done = None
        self.acts = self.looks = 0

    def act(self):
        self.acts += 1
        effect, error = self.happens.pop(0)
        if effect:
            self.done = "written"
        if error:
            raise error
        return self.done

    def look(self):
        self.looks += 1
        return self.done


LOST = UnknownOutcomeError("lost")


def test_a_write_that_is_answered_is_not_looked_at():
    world = World((True, None))
    assert settle(world.act, world.look) == "written"
    assert (world.acts, world.looks) == (1, 0)


def test_a_lost_reply_to_a_write_that_happened_is_found():
    world = World((True, LOST))
    assert settle(world.act, world.look) == "written"
    assert (world.acts, world.looks) == (1, 1)


def test_a_lost_write_is_done_again():
    world = World((False, LOST), (True, LOST))
    assert settle(world.act, world.look) == "written"
    assert (world.acts, world.looks) == (2, 2)


def test_three_lost_writes_leave_it_unknown():
    world = World(*[(False, LOST)] * 9)
    with pytest.raises(UnknownOutcomeError):
        settle(world.act, world.look)
    assert world.acts == 3


@pytest.mark.parametrize(
    "error", [InvalidError("no"), ConflictError("no"), UnavailableError("no"), AlreadyExistsError("no")]
)
def test_a_failure_is_a_failure(error):
    world = World((False, error))
    with pytest.raises(type(error)):
        settle(world.act, world.look)
    assert (world.acts, world.looks) == (1, 0)


@pytest.mark.parametrize(
    ("doubtful", "error"),
    [
        (TAKEN, AlreadyExistsError("taken")),
        (NOTHING_TO_DO, InvalidError("no changes")),
        (NOTHING_TO_DO, ConflictError("c")),
    ],
)
def test_a_doubtful_failure_after_a_lost_success_is_a_success(doubtful, error):
    world = World((True, error))
    assert settle(world.act, world.look, doubtful=doubtful) == "written"


def test_a_doubtful_failure_that_nothing_confirms_is_raised_at_once():
    world = World((False, AlreadyExistsError("somebody else's")))
    with pytest.raises(AlreadyExistsError, match="somebody else's"):
        settle(world.act, world.look, doubtful=TAKEN)
    assert (world.acts, world.looks) == (1, 1)
