"""English as it is spoken, without "and" inside a number (one hundred five): values to words. Knows nothing of where values come from."""

from collections.abc import Sequence
from datetime import date, time

from ivr.speech.values import Quantity, Sum

_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_GROUPS = ((10**15, "quadrillion"), (10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (10**3, "thousand"), (100, "hundred"))
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth"}
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_SIGNS = {"+": "plus", "*": "star", "#": "hash"}

# one unit, several; one hundredth, several; empty where there is none
_CURRENCIES = {
    "CNY": ("yuan", "yuan", "fen", "fen"),
    "HKD": ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    "USD": ("dollar", "dollars", "cent", "cents"),
    "EUR": ("euro", "euros", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"),
    "JPY": ("yen", "yen", "", ""),
}


def currencies() -> Sequence[str]:
    """The codes that have a name here."""
    return tuple(_CURRENCIES)


def number(value: Quantity) -> str:
    """-1020.5 is minus one thousand twenty point five."""
    words = _whole(value.whole)
    if value.decimals:
        words += " point " + " ".join(_SMALL[int(digit)] for digit in value.decimals)
    return ("minus " if value.negative else "") + words


def digits(groups: Sequence[str], telephone: bool) -> str:
    """One by one, with a short pause between groups; `telephone` says oh for zero."""
    zero = "oh" if telephone else "zero"
    return ", ".join(" ".join(zero if sign == "0" else _sign(sign) for sign in group) for group in groups)


def money(value: Sum, currency: str) -> str:
    """12.05 USD is twelve dollars and five cents."""
    unit, units_name, cent, cents_name = _CURRENCIES[currency]
    units, cents = value.units, value.cents
    if not cent:
        units, cents = units + (cents >= 50), 0
    parts = []
    if units or not cents:
        parts.append(f"{_whole(units)} {unit if units == 1 else units_name}")
    if cents:
        parts.append(f"{_whole(cents)} {cent if cents == 1 else cents_name}")
    return ("minus " if value.negative else "") + " and ".join(parts)


def day(value: date) -> str:
    """November twenty-third, twenty twenty-six."""
    return f"{_MONTHS[value.month - 1]} {_ordinal(value.day)}, {_year(value.year)}"


def clock(value: time) -> str:
    """14:05 is two oh five p.m."""
    if value.minute == 0 and value.hour in (0, 12):
        return "noon" if value.hour else "midnight"
    minute = "" if value.minute == 0 else f" oh {_whole(value.minute)}" if value.minute < 10 else f" {_whole(value.minute)}"
    return f"{_whole(value.hour % 12 or 12)}{minute} {'a.m.' if value.hour < 12 else 'p.m.'}"


def position(ahead: int) -> str:
    """How many are before the caller."""
    if ahead == 0:
        return "You are first in line"
    return f"There {'is' if ahead == 1 else 'are'} {_whole(ahead)} {'caller' if ahead == 1 else 'callers'} ahead of you"


def wait(minutes: int) -> str:
    """A rough length of time; 0 is less than a minute."""
    if minutes == 0:
        return "less than a minute"
    if minutes > 60:
        return "more than an hour"
    return f"about {_whole(minutes)} {'minute' if minutes == 1 else 'minutes'}"


BETWEEN_SENTENCES = " "
JOINING = "Please hold. We will connect you to an agent as soon as we can."
COMFORT = "Thank you for waiting. Your call is still in line. Please stay on the phone."


def sentence(words: str) -> str:
    return words + "."


def expected_wait(words: str) -> str:
    return f"The expected wait is {words}."


def _sign(sign: str) -> str:
    return _SMALL[int(sign)] if sign.isdigit() else _SIGNS.get(sign, sign)


def _whole(value: int) -> str:
    """0 <= value < 10**18."""
    for size, name in _GROUPS:
        if value >= size:
            high, low = divmod(value, size)
            return f"{_whole(high)} {name}" + (f" {_whole(low)}" if low else "")
    if value < 20:
        return _SMALL[value]
    tens, ones = divmod(value, 10)
    return _TENS[tens - 2] + (f"-{_SMALL[ones]}" if ones else "")


def _ordinal(value: int) -> str:
    head, dash, last = _whole(value).rpartition("-")
    return head + dash + _ORDINALS.get(last, last[:-1] + "ieth" if last.endswith("y") else last + "th")


def _year(value: int) -> str:
    """1905 is nineteen oh five, 2005 two thousand five, 2026 twenty twenty-six."""
    century, rest = divmod(value, 100)
    if century < 10 or (century % 10 == 0 and rest < 10):
        return _whole(value)
    if rest == 0:
        return f"{_whole(century)} hundred"
    return f"{_whole(century)} {'oh ' if rest < 10 else ''}{_whole(rest)}"
