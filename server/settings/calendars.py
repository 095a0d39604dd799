"""Reads hours.yaml: calendars by name."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import TypeVar

from ivr.hours import Hours, parse_date, parse_holidays, parse_ranges, parse_week
from server.settings.files import AllHoursFile, HoursFile
from server.settings.reading import Reading
from sources.source import Where

T = TypeVar("T")


def read_hours(reading: Reading) -> Mapping[str, Hours]:
    """Every calendar that can be read."""
    calendars = reading.file("hours.yaml", AllHoursFile).hours
    return {name: hours for name, calendar in calendars.items() if (hours := _calendar(reading, name, calendar))}


def _calendar(reading: Reading, name: str, calendar: HoursFile) -> Hours | None:
    before = len(reading.problems)
    for days, ranges in calendar.week.items():
        _value(reading, (name, "week", days), partial(parse_week, {days: ranges}))
    week = _value(reading, (name, "week"), partial(parse_week, calendar.week)) if len(reading.problems) == before else None
    dates = {}
    for day, ranges in calendar.dates.items():
        parsed = _value(reading, (name, "dates", day), partial(_date, day, ranges))
        if parsed:
            dates[parsed[0]] = parsed[1]
    holidays = _value(reading, (name, "holidays"), lambda: parse_holidays(calendar.holidays))
    if week is None or holidays is None or len(reading.problems) > before:
        return None
    return Hours(week, dates, holidays[1], holidays[0])


def _value(reading: Reading, where: Where, read: Callable[[], T]) -> T | None:
    try:
        return read()
    except ValueError as error:
        reading.say("hours.yaml", ("hours", *where), str(error))
        return None


def _date(day: str, ranges: str) -> tuple[date, tuple[tuple[int, int], ...]]:
    return parse_date(day), parse_ranges(ranges)
