"""What digits a caller enters must look like: pattern, Luhn, date, range, list. Pure; length is the collect node's."""

import datetime
from typing import Literal

from pydantic import Field

from ivr.flow.entry_patterns import Pattern
from sources.schema import Settings

DateForm = Literal["YYYYMMDD", "DDMMYYYY", "MMDDYYYY", "YYMMDD", "MMDD", "MMYY"]
_LEAP_YEAR = "2000"  # a day without a year may be 29 February


class Rules(Settings):
    """Every rule that is set must be met."""

    pattern: Pattern | None = None
    luhn: bool = False
    date: DateForm | None = None
    min: int | None = None
    max: int | None = None
    one_of: list[str] = Field(default=[])

    def accept(self, entered: str) -> bool:
        """Whether these keys fulfil the rules; stars and hashes only where a pattern or the list allows them."""
        if self.one_of and entered not in self.one_of:
            return False
        if self.pattern is not None and not self.pattern.fits(entered):
            return False
        if not entered.isdigit():
            return (self.pattern is not None or bool(self.one_of)) and not (self.luhn or self.date or self._ranged())
        if self.luhn and not luhn(entered):
            return False
        if self.date and not is_date(entered, self.date):
            return False
        return (self.min is None or int(entered) >= self.min) and (self.max is None or int(entered) <= self.max)

    def _ranged(self) -> bool:
        return self.min is not None or self.max is not None


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of bank cards."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return len(digits) > 1 and total % 10 == 0


def is_date(digits: str, form: str) -> bool:
    """Whether the digits are a day that exists, written in that form."""
    if len(digits) != len(form):
        return False
    parts = {unit: "".join(digit for digit, letter in zip(digits, form, strict=True) if letter == unit) for unit in "YMD"}
    year = parts["Y"] or _LEAP_YEAR
    try:
        datetime.date(int(year) + (2000 if len(year) == 2 else 0), int(parts["M"]), int(parts["D"] or "1"))
    except ValueError:
        return False
    return True
