"""Telephone numbers as text: what a raw caller number is, how it is shown and logged, and which numbers may be dialled. Dials nothing."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import phonenumbers

NumberKind = Literal["e164", "internal", "withheld", "malformed"]

_WITHHELD = frozenset({
    "", "anonymous", "restricted", "unknown", "unavailable", "private", "withheld", "blocked", "id unavailable", "not available",
    "asterisk", "s", "i", "t", "p", "o", "-1", "none", "null", "<unknown>",
})  # fmt: skip
_LONGEST_ADDRESS = 256
_LONGEST_NUMBER = 40
_INTERNAL = re.compile(r"[0-9]{3,5}")
_SHAPE = re.compile(r"\+?[0-9 ()./-]+")
_URI = re.compile(r"(?:sips?|tel):", re.IGNORECASE)
_PATTERN = re.compile(r"\+?[0-9XNZ]{1,20}")
_WILDCARDS = {"X": "0123456789", "N": "23456789", "Z": "123456789"}


@dataclass(frozen=True, slots=True)
class Number:
    """A number and what is known of it.

    `text` is what to store, compare and dial: `+8613800138000` (e164), `1001` (internal), otherwise empty.
    `pretty` is for people; a malformed number shows its digits there when it has nothing but digits.
    """

    kind: NumberKind
    text: str = ""
    pretty: str = ""


def normalise(raw: str, country: str) -> Number:
    """What `raw` is, read as somebody in `country` (two letters, `CN`) would dial it. Never raises, whatever the bytes were."""
    if len(raw) > _LONGEST_ADDRESS:
        return Number("malformed")
    written = _bare(raw)
    if written.lower() in _WITHHELD:
        return Number("withheld")
    if _INTERNAL.fullmatch(written):
        return Number("internal", written, written)
    digits = re.sub(r"[ ()./-]", "", written)
    if len(written) > _LONGEST_NUMBER or not _SHAPE.fullmatch(written) or not digits.strip("+"):
        return Number("malformed")
    parsed = _parsed(digits, country)
    if parsed is None:
        return Number("malformed", "", digits)
    home = parsed.country_code == phonenumbers.country_code_for_region(country)
    style = phonenumbers.PhoneNumberFormat.NATIONAL if home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    text = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return Number("e164", text, phonenumbers.format_number(parsed, style))


def e164(raw: str, country: str) -> str:
    """`normalise(raw, country).text`, without what is only for people: for lists of a hundred thousand."""
    written = _bare(raw) if len(raw) <= _LONGEST_NUMBER else ""
    if _INTERNAL.fullmatch(written):
        return written
    parsed = _parsed(re.sub(r"[ ()./-]", "", written), country) if _SHAPE.fullmatch(written) and written.strip("+ ()./-") else None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) if parsed else ""


def masked(number: Number) -> str:
    """For logs: the country and the last four digits of an outside number, an extension as it is, otherwise the kind."""
    if number.kind == "internal":
        return number.text
    if number.kind != "e164":
        return number.kind
    hidden = max(len(number.text) - 7, 4)
    return number.text[:3] + "*" * hidden + number.text[3 + hidden :]


def check_pattern(pattern: str) -> None:
    """Raises ValueError with a sentence unless `pattern` is digits, X (0-9), Z (1-9), N (2-9), perhaps with a + in front."""
    if not _PATTERN.fullmatch(pattern):
        raise ValueError(
            f"{pattern!r} is not a pattern of numbers: expected up to 20 digits, each perhaps X (0-9), Z (1-9) or N (2-9), such as 1XXX"
        )


def matches(pattern: str, number: str) -> bool:
    """Whether all of `number` fits; every sign of the pattern stands for exactly one."""
    if not _PATTERN.fullmatch(pattern) or len(pattern) != len(number):
        return False
    return all(sign in _WILDCARDS.get(expected, expected) for expected, sign in zip(pattern, number, strict=True))


class Allowed:
    """The numbers that may be dialled: `Allowed(["1XXX"], ["110"])("1001")`. An emergency number is always allowed.

    Checks the text exactly as it will be dialled. Raises ValueError at a pattern that is none.
    """

    def __init__(self, patterns: Iterable[str], emergency: Iterable[str] = ()) -> None:
        self._patterns = (*emergency, *patterns)
        for pattern in self._patterns:
            check_pattern(pattern)

    def __call__(self, number: str) -> bool:
        return any(matches(pattern, number) for pattern in self._patterns)


def _bare(raw: str) -> str:
    """Without the wrapping of a SIP or tel address."""
    written = raw.strip(" ")
    found = _URI.match(written)
    if found:
        written = written[found.end() :]
    return re.split("[@;]", written, maxsplit=1)[0] if found or "@" in written else written


def _parsed(digits: str, country: str) -> phonenumbers.PhoneNumber | None:
    """Carriers send the same number as +86138..., 86138..., 0086138..., 138... and 0138...: the first reading that is valid wins.

    With a + in front a possible length is enough, because numbering plans grow faster than tables.
    """
    readings = (digits, "+" + digits[2:]) if digits.startswith("00") else (digits,)
    for written in readings:
        try:
            parsed = phonenumbers.parse(written, country.upper())
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(parsed):
            return parsed
        if digits.startswith("+") and phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.IS_POSSIBLE:
            return parsed
    return None
