"""Open or closed, and when next: weekdays, holidays, single dates, nights and the jumps of the clock."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.hours import (
    Hours,
    holiday_dates,
    is_open,
    next_opening,
    parse_country,
    parse_date,
    parse_holidays,
    parse_ranges,
    parse_week,
)

pytestmark = pytest.mark.unit

SHANGHAI = "Asia/Shanghai"
BERLIN = "Europe/Berlin"
OFFICE = Hours(
    week=parse_week({"mon-fri": "09:00-12:00, 13:00-18:00", "sat": "10:00-16:00"}),
    dates={parse_date("2026-10-10"): parse_ranges("09:00-18:00"), parse_date("2026-11-25"): ()},
    country="CN",
)


def at(text: str, zone: str = SHANGHAI, fold: int = 0) -> int:
    """A wall-clock time as milliseconds."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000)


@pytest.mark.parametrize(
    ("moment", "opened"),
    [
        ("2026-11-23T08:59:59.999", False),
        ("2026-11-23T09:00", True),
        ("2026-11-23T12:00", False),
        ("2026-11-23T13:00", True),
        ("2026-11-23T18:00", False),
        ("2026-11-28T15:59", True),
        ("2026-11-29T12:00", False),
        ("2026-10-01T10:00", False),
        ("2026-10-07T10:00", False),
        ("2026-10-10T17:00", True),
        ("2026-11-25T10:00", False),
    ],
)
def test_office(moment: str, opened: bool) -> None:
    """A date beats a holiday, a holiday beats the weekday; the closing minute is closed."""
    assert is_open(OFFICE, at(moment), SHANGHAI) is opened


@pytest.mark.parametrize(
    ("moment", "opening"),
    [
        ("2026-11-23T08:00", "2026-11-23T09:00"),
        ("2026-11-23T12:30", "2026-11-23T13:00"),
        ("2026-11-28T16:00", "2026-11-30T09:00"),
        ("2026-09-30T18:00", "2026-10-08T09:00"),
        ("2026-11-24T18:00", "2026-11-26T09:00"),
        ("2026-11-23T10:00", "2026-11-23T10:00"),
    ],
)
def test_next_opening(moment: str, opening: str) -> None:
    """The next opening passes over lunch, Sunday, closed dates and a week of holidays; while open it is now."""
    assert next_opening(OFFICE, at(moment), SHANGHAI) == at(opening)


def test_never_open() -> None:
    """Hours without a range have no next opening."""
    assert next_opening(Hours(), at("2026-11-23T08:00"), SHANGHAI) is None
    assert not is_open(Hours(), at("2026-11-23T08:00"), SHANGHAI)


def test_a_night_belongs_to_the_day_it_begins() -> None:
    """Friday 22:00-02:00 lasts into Saturday, even when Saturday is closed by a date."""
    bar = Hours(week=parse_week({"fri": "22:00-02:00"}), dates={parse_date("2026-11-28"): ()})
    assert is_open(bar, at("2026-11-28T01:59"), SHANGHAI)
    assert not is_open(bar, at("2026-11-28T02:00"), SHANGHAI)
    assert not is_open(bar, at("2026-11-27T01:00"), SHANGHAI)
    assert not is_open(bar, at("2026-11-29T01:00"), SHANGHAI)


def test_all_day() -> None:
    """00:00-24:00 every day is always open, over midnight and over the change of the clock."""
    always = Hours(week=parse_week({"daily": "00:00-24:00"}))
    for moment in ("2026-11-23T00:00", "2026-11-23T23:59:59.999", "2026-03-29T03:00", "2026-10-25T02:30"):
        assert is_open(always, at(moment, BERLIN), BERLIN)


def test_the_clock_jumps_forward() -> None:
    """On 2026-03-29 Berlin has no 02:00-03:00: who opens at 02:00 opens when the clock shows 03:00; a range inside the gap is gone."""
    early = Hours(week=parse_week({"sun": "02:00-06:00"}))
    assert next_opening(early, at("2026-03-29T01:00", BERLIN), BERLIN) == at("2026-03-29T03:00", BERLIN)
    gone = Hours(dates={parse_date("2026-03-29"): parse_ranges("02:30-03:00")})
    assert next_opening(gone, at("2026-03-29T01:00", BERLIN), BERLIN) is None


def test_the_clock_jumps_back() -> None:
    """On 2026-10-25 Berlin has 02:00-03:00 twice: who opens at 02:30 stays open through the second hour."""
    early = Hours(week=parse_week({"sun": "02:30-06:00"}))
    assert next_opening(early, at("2026-10-25T01:00", BERLIN), BERLIN) == at("2026-10-25T02:30", BERLIN, fold=0)
    assert is_open(early, at("2026-10-25T02:10", BERLIN, fold=1), BERLIN)
    assert is_open(early, at("2026-10-25T05:59", BERLIN), BERLIN)


_ranges = st.lists(st.tuples(st.integers(0, 1439), st.integers(1, 1440)), max_size=3).map(
    lambda pairs: tuple(sorted((opens, opens + length) for opens, length in pairs))
)


@given(
    st.tuples(*[_ranges] * 7),
    st.integers(at("2026-01-01T00:00"), at("2027-12-31T00:00")),
    st.sampled_from([SHANGHAI, BERLIN, "America/New_York", "Australia/Lord_Howe", "UTC"]),
)
def test_next_opening_is_the_first_open_moment(week: tuple[tuple[tuple[int, int], ...], ...], now_ms: int, zone: str) -> None:
    """At the next opening it is open, and just before it is closed, unless that is now."""
    hours = Hours(week=week)
    opening = next_opening(hours, now_ms, zone)
    if opening is None:
        assert not is_open(hours, now_ms, zone)
        return
    assert is_open(hours, opening, zone)
    assert (opening == now_ms) == is_open(hours, now_ms, zone)
    if opening > now_ms:
        assert not is_open(hours, opening - 1, zone)
        assert not is_open(hours, (opening + now_ms) // 2, zone)


def test_parse_ranges() -> None:
    """Ranges come sorted, in minutes; a night ends beyond 24 hours."""
    assert parse_ranges("13:00 - 18:00,9:00-12:00") == ((540, 720), (780, 1080))
    assert parse_ranges("22:00-02:00") == ((1320, 1560),)
    assert parse_ranges("closed") == parse_ranges("") == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("9-18", "expected"),
        ("09:00-18:60", "expected"),
        ("25:00-26:00", "expected"),
        ("09:00-24:01", "expected"),
        ("09:00-09:00", "same minute"),
        ("09:00-12:00,11:00-13:00", "overlaps"),
        ("09:00-12:00,", "not a range"),
        ("０9:00-12:00", "not a range"),
    ],
)
def test_bad_ranges(text: str, why: str) -> None:
    """Each mistake has its sentence."""
    with pytest.raises(ValueError, match=why):
        parse_ranges(text)


def test_parse_week() -> None:
    """Days by name, by range (around the weekend too), by list; the others are closed."""
    week = parse_week({"sat-mon": "10:00-11:00", "tue, Thu": "12:00-13:00"})
    assert week == (((600, 660),), ((720, 780),), (), ((720, 780),), (), ((600, 660),), ((600, 660),))


@pytest.mark.parametrize(
    ("week", "why"),
    [({"monday": ""}, "not a day"), ({"mon-": ""}, "not a day"), ({"mon-fri": "", "fri": ""}, "twice"), ({"": ""}, "not a day")],
)
def test_bad_week(week: dict[str, str], why: str) -> None:
    """An unknown day and a day named twice are refused."""
    with pytest.raises(ValueError, match=why):
        parse_week(week)


def test_holidays() -> None:
    """A country or a list of dates; substitute days off are holidays, make-up working days are not."""
    assert parse_holidays("CN") == ("CN", frozenset())
    assert parse_holidays(["2026-12-24"]) == ("", frozenset({parse_date("2026-12-24")}))
    assert parse_date("2026-10-06") in holiday_dates("CN", 2026)
    assert parse_date("2026-10-10") not in holiday_dates("CN", 2026)
    for bad in ("ZZ", "cn", "China"):
        with pytest.raises(ValueError, match="two letters"):
            parse_country(bad)


def test_bad_date_and_zone() -> None:
    """A date that no calendar has and a zone that no map has are refused with a sentence."""
    for bad in ("2026-02-30", "20261010", "10.10.2026"):
        with pytest.raises(ValueError, match="not a date"):
            parse_date(bad)
    for bad in ("Beijing", "", "../etc/passwd"):
        with pytest.raises(ValueError, match="not a time zone"):
            is_open(Hours(), 0, bad)
