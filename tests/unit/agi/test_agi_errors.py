"""The exception tree: a pyst2 script's `except` clauses still hold, and its docstring is true."""

import pytest
from asterisk import agi as pyst2

from agi import errors

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (errors.ChannelHungUp, pyst2.AGIHangup),
        (errors.ChannelHungUp, pyst2.AGIAppError),
        (errors.CommandFailed, pyst2.AGIAppError),
        (errors.SoundMissing, errors.CommandFailed),
        (errors.ProtocolViolation, pyst2.AGIError),
        (errors.UnsafeValue, ValueError),
        (errors.ListenFailed, OSError),
        (errors.ListenFailed, pyst2.AGIException),
    ],
)
def test_each_exception_hangs_where_it_is_drawn(ours: type[Exception], theirs: type[Exception]) -> None:
    """What pyst2 calls a hang-up is one here, and only that."""
    assert issubclass(ours, theirs)


def test_a_failed_command_is_no_hang_up() -> None:
    """result=-1 alone does not prove that anybody hung up."""
    assert not issubclass(errors.CommandFailed, pyst2.AGIHangup)


def test_every_exception_is_in_the_drawing() -> None:
    """The module's docstring names them all."""
    assert [name for name in errors.__all__ if name not in (errors.__doc__ or "")] == []
