"""When a site is open: pure functions of opening hours, a moment and a time zone. Reads no clock and no file.

Times are wall-clock times. A time that the clock skips counts by the offset before the jump, one that comes twice counts the first time
(as in iCalendar). A range over midnight belongs to the day on which it begins.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

Range = tuple[int, int]  # minutes after midnight; the end may reach into the next day
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 24 * 60
_HORIZON_DAYS = 400
_RANGE = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Hours:
    """Opening hours: a date beats a holiday, a holiday (closed) beats the weekday. `week` begins on Monday.

    `country` (`CN`, or empty) names public holidays that are looked up year by year; make-up working days belong into `dates`.
    """

    week: tuple[tuple[Range, ...], ...] = ((),) * 7
    dates: Mapping[date, tuple[Range, ...]] = field(default_factory=dict)
    holidays: frozenset[date] = frozenset()
    country: str = ""

    def on(self, day: date) -> tuple[Range, ...]:
        """The ranges that begin on this day."""
        if day in self.dates:
            return self.dates[day]
        if day in self.holidays or (self.country and day in holiday_dates(self.country, day.year)):
            return ()
        return self.week[day.weekday()]


def is_open(hours: Hours, now_ms: int, time_zone: str) -> bool:
    """Whether the site is open at this moment. `time_zone` is an IANA name; ValueError when there is none of that name."""
    return any(opens <= now_ms < closes for opens, closes in _periods(hours, now_ms, time_zone, days=1))


def next_opening(hours: Hours, now_ms: int, time_zone: str) -> int | None:
    """The first moment from `now_ms` on, in ms, at which the site is open (now itself, if it is); None when that is not within 400 days."""
    coming = (max(opens, now_ms) for opens, closes in _periods(hours, now_ms, time_zone, days=_HORIZON_DAYS) if closes > now_ms)
    return next(coming, None)


def parse_ranges(text: str) -> tuple[Range, ...]:
    """`09:00-12:00, 13:00-18:00`, `22:00-02:00`, `00:00-24:00`; `closed` or nothing is no range. ValueError says what is wrong."""
    if text.strip().lower() in ("", "closed"):
        return ()
    ranges = sorted(_range(part.strip()) for part in text.split(","))
    for (opens, closes), (following, _) in pairwise(ranges):
        if following < closes:
            raise ValueError(f"{text!r}: the range from {_clock(opens)} overlaps the one from {_clock(following)}")
    return tuple(ranges)


def parse_week(week: Mapping[str, str]) -> tuple[tuple[Range, ...], ...]:
    """`{"mon-fri": "09:00-18:00", "sat, sun": "10:00-16:00"}`; a day that is not named is closed. ValueError says what is wrong."""
    days: dict[int, tuple[Range, ...]] = {}
    for names, text in week.items():
        for day in parse_days(names):
            if day in days:
                raise ValueError(f"{DAYS[day]} has opening hours twice, the second time in {names!r}")
            days[day] = parse_ranges(text)
    return tuple(days.get(day, ()) for day in range(7))


def parse_days(names: str) -> list[int]:
    """`mon`, `mon-fri`, `sat, sun`, `fri-mon` or `daily` as numbers, Monday is 0."""
    if names.strip().lower() == "daily":
        return list(range(7))
    days: list[int] = []
    for part in names.lower().split(","):
        first, dash, last = (name.strip() for name in part.partition("-"))
        last = last if dash else first
        for name in (first, last):
            if name not in DAYS:
                raise ValueError(f"{name!r} is not a day of the week: expected {', '.join(DAYS)}, such as mon-fri, or daily")
        begin, end = DAYS.index(first), DAYS.index(last)
        days.extend((begin + step) % 7 for step in range((end - begin) % 7 + 1))
    return days


def parse_date(text: str) -> date:
    """`2026-10-10`; ValueError says what is wrong."""
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(f"{text!r} is not a date: expected a day of the calendar such as 2026-10-10")


def parse_country(text: str) -> str:
    """A country whose public holidays are known, by its two letters; ValueError says what is wrong."""
    import holidays  # here: it is a tenth of what a server's start takes, and most sites name no country

    if text not in holidays.list_supported_countries():
        raise ValueError(f"no public holidays are known for {text!r}: expected a country's two letters such as CN or DE")
    return text


def parse_holidays(value: str | Sequence[str]) -> tuple[str, frozenset[date]]:
    """A country's two letters, or dates: (country, dates), as `Hours` takes them."""
    if isinstance(value, str):
        return (parse_country(value) if value else ""), frozenset()
    return "", frozenset(parse_date(day) for day in value)


@lru_cache(maxsize=256)
def holiday_dates(country: str, year: int) -> frozenset[date]:
    """The public holidays of a year, substitute days off included. `country` as from `parse_country`."""
    import holidays

    return frozenset(holidays.country_holidays(country, years=year))


def _periods(hours: Hours, now_ms: int, time_zone: str, days: int) -> Iterator[tuple[int, int]]:
    """Moments of opening and closing, in ms, from yesterday's ranges on, in order of opening."""
    zone = _zone(time_zone)
    today = datetime.fromtimestamp(now_ms / 1000, zone).date()
    for offset in range(-1, days):
        day = today + timedelta(days=offset)
        for begin, end in sorted(hours.on(day)):
            opens, closes = _moment(day, begin, zone), _moment(day, end, zone)
            if opens < closes:  # a short range can vanish in a jump of the clock
                yield opens, closes


def _moment(day: date, minutes: int, zone: ZoneInfo) -> int:
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)
    return round(wall.replace(tzinfo=zone).astimezone(UTC).timestamp() * 1000)


def _zone(time_zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{time_zone!r} is not a time zone: expected a name such as Asia/Shanghai") from None


def _range(text: str) -> Range:
    found = _RANGE.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a range of times: expected from-to such as 09:00-18:00")
    opens, closes = (int(hour) * 60 + int(minute) for hour, minute in ((found[1], found[2]), (found[3], found[4])))
    if int(found[2]) > 59 or int(found[4]) > 59 or opens >= _DAY or closes > _DAY:
        raise ValueError(f"{text!r} is not a range of times: expected hours from 00:00 to 23:59 (24:00 at the end)")
    if opens == closes:
        raise ValueError(f"{text!r} opens and closes at the same minute: write 00:00-24:00 for the whole day, closed for none of it")
    return (opens, closes) if closes > opens else (opens, closes + _DAY)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
