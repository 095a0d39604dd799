"""Text becomes typed settings, and every mistake is told at its place."""

import datetime
from typing import Literal

import pytest
from pydantic import Field

from sources.problems import Problem, ProblemsFound, suggest
from sources.schema import Duration, Key, Keys, Settings, Text, build, parse_duration, text_in
from sources.source import parse_source

pytestmark = pytest.mark.unit


class Queue(Settings):
    name: Text = Field(default={})
    ring: Duration = 1000
    level: int = Field(3, ge=1, le=5)
    strategy: Literal["longest_idle", "random"] = "random"
    on: bool = False
    maximum: int | None = None
    words: str | list[str] = ""
    kind: str = Field("", alias="class")
    day: datetime.date | None = None


class File(Settings):
    queues: dict[str, Queue]
    keys: dict[Key, str] = Field(default={})
    exits: Keys = ""
    must: str
    more: list[Queue] = Field(default=[])


def test_all_mistakes_are_told_at_once_each_at_its_place() -> None:
    """Unknown and missing settings, wrong types, wrong keys: one run shows them all."""
    text = """queues:
  a: {nam: x, ring: 30x, level: 9, strategy: longest_idel, on: maybe, maximum: q, words: {a: b}, class: c, day: 2026-13-01}
  b: {name: {zh: [1]}, ring: [1], level: x}
  c: foo
  d:
keys: {12: b, "*": c}
exits: 1a
more: [{rin: 3s}, x]
"""
    with pytest.raises(ProblemsFound) as found:
        build(File, parse_source(text, "f"))
    assert [str(problem) for problem in found.value.problems] == [
        "f:1:1: missing setting 'must'",
        "f:2:7: unknown setting 'nam' - did you mean 'name'?",
        "f:2:21: expected a duration such as 30s, 5m, 1h or 1d, found '30x'",
        "f:2:33: expected at most 5, found '9'",
        "f:2:46: unknown value 'longest_idel' - did you mean 'longest_idle'?",
        "f:2:64: expected yes or no, found 'maybe'",
        "f:2:80: expected a whole number, found 'q'",
        "f:2:90: expected text or a list, found settings",
        "f:2:113: expected a date such as 2026-10-01, found '2026-13-01'",
        "f:3:13: expected text, or text per language such as {zh: ..., en: ...}, found settings",
        "f:3:30: expected a duration such as 30s, 5m, 1h or 1d, found a list",
        "f:3:42: expected a whole number, found 'x'",
        "f:4:6: expected settings (name: value), found 'foo'",
        "f:5:5: expected settings (name: value), found nothing",
        'f:6:8: expected one key, 0 to 9, "*" or "#", found \'12\'',
        "f:7:8: expected keys such as 0 or \"12*\", found '1a'",
        "f:8:9: unknown setting 'rin' - did you mean 'ring'?",
        "f:8:19: expected settings (name: value), found 'x'",
    ]


def test_good_text_becomes_typed_values() -> None:
    """yes is true, 1.5s is 1500 ms, a plain text serves every language."""
    queue = build(Queue, parse_source("{name: a, ring: 1.5s, on: yes, maximum: 3, words: [a]}", "f"))
    assert (queue.name, queue.ring, queue.on, queue.maximum, queue.words) == ({"": "a"}, 1500, True, 3, ["a"])


def test_a_part_of_a_file_can_be_built_and_what_it_lacks_is_told_at_its_name() -> None:
    """`at` leads to the part."""
    source = parse_source("queues:\n  a: {ring: 5s}\n  b: {must: x}\n", "f")
    assert build(Queue, source, ("queues", "a")).ring == 5000
    with pytest.raises(ProblemsFound, match="f:3:3: missing setting 'queues'"):
        build(File, source, ("queues", "b"))


@pytest.mark.parametrize(("text", "ms"), [("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("1h", 3_600_000), ("1.5s", 1500), ("0", 0)])
def test_durations_have_units(text: str, ms: int) -> None:
    assert parse_duration(text) == ms


@pytest.mark.parametrize("text", ["", "5", "-1s", "1 week", "1h30m", "９s", "99999999999s"])
def test_a_duration_without_a_clear_unit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration such as"):
        parse_duration(text)


def test_a_text_is_found_for_a_language_or_for_all() -> None:
    """Own language first, then the one for all, then the default."""
    assert text_in({"zh": "账单", "en": "Billing"}, "en") == "Billing"
    assert text_in({"": "x"}, "en") == "x"
    assert text_in({"zh": "账单", "fr": "y"}, "en", default="zh") == "账单"
    assert text_in({}, "en") == ""


def test_suggestions_are_near_or_few() -> None:
    """The nearest word; all when few and none is near; nothing when many."""
    assert suggest("bilng", ["billing", "sales"]) == "did you mean 'billing'?"
    assert suggest("xyz", ["billing", "sales"]) == "possible: billing, sales"
    assert suggest("xyz", [f"long-word-{n}" for n in range(30)]) == ""


def test_problems_are_sorted_and_told_once() -> None:
    source = parse_source("a: 1\nb: 2", "f")
    one, two = Problem(source.where(("a",)), "x"), Problem(source.where(("b",)), "y")
    assert ProblemsFound([two, one, one]).problems == (one, two)
