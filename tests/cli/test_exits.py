import pytest

from lakefs_repro import errors
from lakefs_repro.cli.exits import BY_CLASS, Exit, exit_for
from lakefs_repro.ingest.publish import LostRaceError, ReservedError

CODES = {
    errors.RejectedError: 1,
    errors.IntegrityError: 1,
    errors.InvalidError: 2,
    errors.NotFoundError: 3,
    errors.UnavailableError: 4,
    errors.UnknownOutcomeError: 4,
    errors.DeniedError: 4,
    errors.ConflictError: 5,
    errors.AlreadyExistsError: 5,
    errors.InternalError: 70,
    errors.LakefsReproError: 70,
}


@pytest.mark.parametrize("cls", [value for value in vars(errors).values() if isinstance(value, type)])
def test_every_class_of_error_has_a_code(cls):
    if issubclass(cls, errors.LakefsReproError):
        assert exit_for(cls("what happened")) == CODES[cls]


def test_a_finer_class_has_the_code_of_its_parent():
    assert exit_for(LostRaceError("a")) == Exit.CONFLICT
    assert exit_for(ReservedError("a", hint="", holder="")) == Exit.CONFLICT


@pytest.mark.parametrize(
    ("error", "code"),
    [(KeyError("x"), 70), (OSError("disk"), 74), (PermissionError("no"), 74), (KeyboardInterrupt(), 130),
     (BrokenPipeError(), 141)],
)  # fmt: skip
def test_what_is_not_ours_has_a_code_too(error, code):
    assert exit_for(error) == code


def test_no_two_meanings_share_a_number():
    assert len(set(Exit)) == len(Exit.__members__)
    assert set(BY_CLASS.values()) | {Exit.DONE} == set(Exit)
