"""What a limit of open files allows: shares that leave room for everything else, and a sentence when the site wants more."""

import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.open_files import MOST, OTHERS, out_of_reach, raise_soft_limit, shares, wanted_by_asterisk

pytestmark = pytest.mark.unit


@given(st.integers(OTHERS + 100, MOST), st.integers(1, 100_000))
def test_calls_and_http_leave_room_for_the_rest(files: int, calls: int) -> None:
    """However few files there are: health is answered, calls are taken, and Redis, AMI and look-ups have theirs."""
    found = shares(files, calls)
    assert found.http >= 32
    assert 1 <= found.calls <= calls
    assert found.calls + found.http + OTHERS <= files


def test_what_cannot_be_reached_is_said() -> None:
    """A server's own limit, or Asterisk's, whichever is smaller, with what to do."""
    assert out_of_reach(MOST, 2000, 1, asterisk_files=65_536) == ""
    assert out_of_reach(1024, 600, 1) == ""
    assert out_of_reach(1024, 2000, 1) == (
        "limits.calls cannot be reached: each server may open 1024 files, enough for 696 calls of 2000"
        " - raise the hard limit of open files (ulimit -Hn; LimitNOFILE= in a systemd unit; --ulimit nofile= in Docker)"
    )
    assert "Asterisk may open 4096 files, enough for 649 calls of 2000" in out_of_reach(4096, 2000, 1, asterisk_files=4096)
    assert "Asterisk may open 4096 files, enough for 649 calls of 1200" in out_of_reach(4096, 600, 2, asterisk_files=4096)
    assert out_of_reach(MOST, 50_000, 2, asterisk_files=wanted_by_asterisk(100_000)) == ""


@pytest.mark.parametrize(
    ("limits", "raised", "found"),
    [((1024, 4096), (4096, 4096), 4096), ((1024, -1), (MOST, -1), MOST), ((4096, 4096), None, 4096), ((-1, -1), None, MOST)],
)
def test_the_soft_limit_is_raised_to_the_hard_one(
    limits: tuple[int, int], raised: tuple[int, int] | None, found: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the hard one is endless, to a million."""
    done: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda kind: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda kind, wanted: done.append(wanted))
    assert raise_soft_limit() == found
    assert done == ([raised] if raised else [])


def test_a_system_that_does_not_let_us_leaves_the_soft_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then that is how many there are."""

    def refuse(kind: int, wanted: tuple[int, int]) -> None:
        raise OSError("not permitted")

    monkeypatch.setattr(resource, "getrlimit", lambda kind: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert raise_soft_limit() == 1024
