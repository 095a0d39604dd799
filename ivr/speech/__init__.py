"""Puts values into words: numbers, money, dates, times, a place in a queue, in each language we speak. Text only; server/sounds/ makes the
sound.

A language is one module with the functions of `Language`, and one line in `_LANGUAGES`.
"""

from collections.abc import Sequence
from datetime import date, time
from typing import Literal, Protocol, get_args

from ivr.speech import chinese, english
from ivr.speech.values import (
    CannotSay,
    Quantity,
    Sum,
    read_count,
    read_date,
    read_digits,
    read_money,
    read_number,
    read_text,
    read_time,
)

__all__ = ["KINDS", "CannotSay", "Kind", "PhraseKind", "currencies", "languages", "queue_phrase", "say"]

Kind = Literal["number", "digits", "telephone", "money", "date", "time", "text", "position", "wait"]
PhraseKind = Literal["position", "comfort", "joining"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_MINUTE_MS = 60_000


class Language(Protocol):
    """What a language module offers; every value it gets has been read already."""

    BETWEEN_SENTENCES: str
    JOINING: str
    COMFORT: str

    def currencies(self) -> Sequence[str]: ...
    def number(self, value: Quantity) -> str: ...
    def digits(self, groups: Sequence[str], telephone: bool) -> str: ...
    def money(self, value: Sum, currency: str) -> str: ...
    def day(self, value: date) -> str: ...
    def clock(self, value: time) -> str: ...
    def position(self, ahead: int) -> str: ...
    def wait(self, minutes: int) -> str: ...
    def sentence(self, words: str) -> str: ...
    def expected_wait(self, words: str) -> str: ...


_LANGUAGES: dict[str, Language] = {"zh": chinese, "en": english}


def languages() -> tuple[str, ...]:
    """The languages that values can be said in."""
    return tuple(_LANGUAGES)


def currencies() -> tuple[str, ...]:
    """The codes of the currencies that `money` has names for, in every language."""
    return tuple(code for code in english.currencies() if code in chinese.currencies())


def say(kind: str, value: str, language: str, *, currency: str = "CNY") -> str:
    """The words for `value` (text: `-3.14`, `2026-11-23`, `14:05`; position: 1 is first; wait: milliseconds).

    `telephone` is like `digits` in the way telephone numbers are read (幺 for one, oh for zero). Raises CannotSay.
    """
    words = _language(language)
    match kind:
        case "number":
            return words.number(read_number(value))
        case "digits" | "telephone":
            return words.digits(read_digits(value), kind == "telephone")
        case "money":
            if currency not in currencies():
                raise CannotSay(f"the currency {currency!r} has no name here: expected one of {', '.join(currencies())}")
            return words.money(read_money(value), currency)
        case "date":
            return words.day(read_date(value))
        case "time":
            return words.clock(read_time(value))
        case "text":
            return read_text(value)
        case "position":
            return words.position(read_count(value, "position", 1) - 1)
        case "wait":
            return words.wait(_minutes(read_count(value, "wait", 0)))
    raise CannotSay(f"there is no kind {kind!r}: expected one of {', '.join(KINDS)}")


def queue_phrase(kind: PhraseKind, language: str, position: int | None = None, wait_ms: int | None = None) -> str:
    """What a waiting caller hears. `position` 1 is first; None or 0: unknown. Only a known wait is announced, nothing is promised
    otherwise.

    A position that is not known becomes the comfort phrase. Raises CannotSay for an unknown language.
    """
    words = _language(language)
    known = position is not None and position > 0
    sentences = []
    if kind == "joining":
        sentences.append(words.JOINING)
    elif kind == "comfort" or not known:
        sentences.append(words.COMFORT)
    if position is not None and position > 0 and kind != "comfort":
        sentences.append(words.sentence(words.position(position - 1)))
    if wait_ms is not None and wait_ms >= 0:
        sentences.append(words.expected_wait(words.wait(_minutes(wait_ms))))
    return words.BETWEEN_SENTENCES.join(sentences)


def _minutes(wait_ms: int) -> int:
    """Rounded up, so that nobody waits longer than announced; 0 only for less than a minute."""
    return 0 if wait_ms < _MINUTE_MS else -(-wait_ms // _MINUTE_MS)


def _language(language: str) -> Language:
    if language not in _LANGUAGES:
        raise CannotSay(f"nothing can be said in the language {language!r}: expected one of {', '.join(_LANGUAGES)}")
    return _LANGUAGES[language]
