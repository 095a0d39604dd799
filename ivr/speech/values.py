"""Reads the text that a flow wants spoken: a number, an amount, a date, a time, a telephone number.

The languages then only put words to values that are known to be sound. What cannot be read raises `CannotSay`.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, time
from decimal import ROUND_HALF_UP, Decimal

LARGEST = 10**16  # the languages have words below this
_MAX_LENGTH = 64
_NUMBER = re.compile(r"([+-]?)(\d+|\d{1,3}(?:,\d{3})+)(?:\.(\d{1,20}))?", re.ASCII)
_DATE = re.compile(r"(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):?(\d{2})(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?", re.ASCII)
_PAUSES = " -./()"


class CannotSay(ValueError):
    """A value has no words: the sentence says what was expected."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A decimal number: sign, the whole part below `LARGEST`, and the digits after the point as written."""

    negative: bool
    whole: int
    decimals: str = ""


@dataclass(frozen=True, slots=True)
class Sum:
    """An amount of money: sign, whole units and hundredths (0 to 99)."""

    negative: bool
    units: int
    cents: int


def read_number(value: str, kind: str = "number") -> Quantity:
    """`1234`, `-3.14`, `1,234.50`, also in full-width digits."""
    found = _NUMBER.fullmatch(_plain(value).replace("\N{MINUS SIGN}", "-"))
    if found is None:
        raise _refused(value, kind, "digits such as 1234, -3.14 or 1,234.50")
    whole = int(found[2].replace(",", ""))
    decimals = found[3] or ""
    if whole >= LARGEST:
        raise _refused(value, kind, "a number below ten quadrillion (say a long number as digits)")
    return Quantity(found[1] == "-" and bool(whole or decimals.strip("0")), whole, decimals)


def read_money(value: str) -> Sum:
    """Like a number; rounded half up to hundredths, because there is no smaller coin."""
    quantity = read_number(value, "money")
    exact = Decimal(f"{quantity.whole}.{quantity.decimals or '0'}").quantize(Decimal("0.01"), ROUND_HALF_UP)
    hundredths = int(exact * 100)
    return Sum(quantity.negative and hundredths > 0, hundredths // 100, hundredths % 100)


def read_count(value: str, kind: str, smallest: int) -> int:
    """A whole number, `smallest` or more."""
    quantity = read_number(value, kind)
    if quantity.negative or quantity.decimals.strip("0") or quantity.whole < smallest:
        raise _refused(value, kind, f"a whole number, {smallest} or more")
    return quantity.whole


def read_date(value: str) -> date:
    """`2026-11-23`, `20261123`, `2026/11/23`, or the date as written in an ISO date and time."""
    written = re.split(r"[T ]", _plain(value), maxsplit=1)[0]
    found = _DATE.fullmatch(written)
    try:
        if found:
            return date(int(found[1]), int(found[3]), int(found[4]))
    except ValueError:
        pass
    raise _refused(value, "date", "a day of the calendar such as 2026-11-23")


def read_time(value: str) -> time:
    """`9:05`, `14:05:30`, `1405`, 24:00 for midnight, or the time as written in an ISO date and time; seconds are dropped."""
    *before, written = re.split(r"[T ]", _plain(value), maxsplit=1)
    found = _TIME.fullmatch(written)
    try:
        for day in before:
            read_date(day)
        if found:
            hour, minute = int(found[1]), int(found[2])
            return time(0, 0) if (hour, minute) == (24, 0) else time(hour, minute)
    except ValueError:
        pass
    raise _refused(value, "time", "a time of day such as 14:05")


def read_digits(value: str) -> list[str]:
    """Groups of digits, letters (upper case), `+`, `*` and `#`, split where the value has a space, a dash, a dot or a bracket.

    The error does not repeat the value: it may be a secret.
    """
    plain = _plain(value).upper()
    groups = [group for group in re.split(f"[{re.escape(_PAUSES)}]+", plain) if group]
    strange = sorted({sign for group in groups for sign in group if not (sign.isascii() and (sign.isalnum() or sign in "+*#"))})
    if not groups or len(plain) > _MAX_LENGTH or strange:
        why = f"it has {strange[0]!r}" if strange else f"it has {len(plain)} characters"
        raise CannotSay(f"this value cannot be said as digits: {why}; expected 1 to {_MAX_LENGTH} digits or letters, such as 400 820 8820")
    return groups


def read_text(value: str) -> str:
    """The text itself on one line, without control characters."""
    visible = "".join(" " if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign for sign in value)
    return " ".join(visible.split())


def _plain(value: str) -> str:
    return unicodedata.normalize("NFKC", value[: 4 * _MAX_LENGTH]).strip()


def _refused(value: str, kind: str, expected: str) -> CannotSay:
    shown = value if len(value) <= 40 else value[:40] + "..."
    return CannotSay(f"{shown!r} cannot be said as {kind}: expected {expected}")
