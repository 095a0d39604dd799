"""Bans on a virtual clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.access.asterisk_log import Seen, What
from server.access.bans import BanLimits, Bans

pytestmark = pytest.mark.unit

LIMITS = BanLimits(failures=3, requests=20, within_s=10, first_s=100, longest_s=350)
EVIL = "192.0.2.66"


def bans_of(*spared: str) -> Bans:
    return Bans(LIMITS, lambda address: address in spared)


def fails(bans: Bans, count: int, at_s: float, address: str = EVIL, what: What = "failed") -> list[bool]:
    return [bans.take(Seen(address, what), at_s) for _ in range(count)]


def test_one_failure_more_than_the_limit_is_a_ban() -> None:
    """It is told once; other addresses are not touched."""
    bans = bans_of()

    assert fails(bans, 3, 0.0) == [False, False, False]
    assert fails(bans, 3, 1.0) == [True, False, False]
    assert set(bans.banned) == {EVIL}


def test_failures_far_apart_are_no_ban() -> None:
    """Only those within the span count: a phone with a wrong password tries twice a minute."""
    bans = bans_of()
    assert not any(bans.take(Seen(EVIL, "failed"), at_s * 5.0) for at_s in range(100))


def test_too_many_requests_are_a_ban_even_when_none_fails() -> None:
    """Each challenge counts, and each log-in."""
    bans = bans_of()
    assert fails(bans, 20, 0.0, what="asked") == [False] * 20
    assert fails(bans, 1, 0.5, what="asked") == [True]


def test_a_ban_lasts_twice_as_long_each_time_up_to_the_longest() -> None:
    """And it is forgotten after a day without."""
    bans, now_s, lasted = bans_of(), 0.0, []
    for _ in range(4):
        fails(bans, 4, now_s)
        lasted.append(bans.banned[EVIL].until_s - now_s)
        now_s += lasted[-1]
        assert bans.advance(now_s - 0.1) == []
        assert bans.advance(now_s) == [EVIL]
    assert lasted == [100, 200, 350, 350]

    bans.advance(now_s + 86_401)
    fails(bans, 4, now_s + 86_402)
    assert bans.banned[EVIL].until_s - now_s - 86_402 == 100


def test_who_goes_on_stays_out() -> None:
    """A ban ends when the address has been silent for as long as a first ban lasts."""
    bans = bans_of()
    fails(bans, 4, 0.0)
    bans.take(Seen(EVIL, "refused"), 99.0)
    assert bans.advance(198.0) == []
    assert bans.advance(199.0) == [EVIL]


def test_spared_addresses_are_never_banned() -> None:
    """A carrier's, and those of the site's list; one that is put on the list comes free."""
    spared: set[str] = {"192.0.2.1"}
    bans = Bans(LIMITS, spared.__contains__)
    assert not any(fails(bans, 100, 0.0, "192.0.2.1"))
    fails(bans, 4, 0.0)
    spared.add(EVIL)
    assert bans.advance(1.0) == [EVIL]


def test_one_phone_with_a_wrong_password_does_not_shut_out_an_office() -> None:
    """From an address where another phone has logged in within the hour ten times as many may fail."""
    bans = bans_of()
    bans.take(Seen(EVIL, "admitted"), 0.0)
    assert not any(fails(bans, 30, 1.0))
    assert any(fails(bans, 1, 1.0))

    bans = bans_of()
    bans.take(Seen(EVIL, "admitted"), 0.0)
    assert any(fails(bans, 4, 3601.0))


def test_a_lifted_ban_is_forgotten() -> None:
    """The count begins anew, and the next ban is a first one."""
    bans = bans_of()
    fails(bans, 4, 0.0)
    assert bans.lift(EVIL)
    assert not bans.lift(EVIL)
    assert fails(bans, 3, 0.1) == [False] * 3


def test_no_limit_is_no_ban() -> None:
    """0 switches a limit off."""
    bans = Bans(BanLimits(failures=0, requests=0), lambda address: False)
    assert not any(fails(bans, 5000, 0.0))
    assert not any(fails(bans, 5000, 0.0, what="asked"))


@given(st.lists(st.tuples(st.floats(0, 5), st.sampled_from(("failed", "asked", "admitted", "refused")), st.integers(1, 3)), max_size=80))
def test_whoever_is_silent_comes_free(history: list[tuple[float, What, int]]) -> None:
    """Whatever happened: after the longest ban nobody is banned any more, and nothing of it is kept a day later."""
    bans, now_s = bans_of(), 0.0
    for passed_s, what, number in history:
        now_s += passed_s
        bans.take(Seen(f"192.0.2.{number}", what), now_s)
        assert all(ban.until_s - now_s <= LIMITS.longest_s for ban in bans.banned.values())
    bans.advance(now_s + LIMITS.longest_s)
    assert bans.banned == {}
    bans.advance(now_s + LIMITS.longest_s + 86_401)
    assert bans.earlier == {}
