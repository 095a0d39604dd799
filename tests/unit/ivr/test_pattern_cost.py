"""Regular expressions that take for ever, and those that no entry can fulfil, are found before a caller meets them."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.flow.pattern_cost import KEYS, pattern_fault

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "pattern",
    [
        "([0-9]+)+x",
        "(1|1)*",
        "(.*)*",
        r"(\d+\s*)+$",
        r"(\d+\*?)+",
        r"(\d*)*?",
        r"((\d*)*)*",
        r"(\d+|\*)+",
        "(0|01|1)*x",
        "(12|1|2)+#",
        r"(?:\d|\d\d)+",
        r"(\d\d?)*",
        r"(\d?){32}",
        r"(\d{1,30}){1,30}",
        r"(\d{1,8}|\*)*",
        r"\d*\d*\d*\d*\d*\d*x",
        r"(?=(\d+)+x)\d+",
        r"(?!(\d+)+x)\d+",
        r"\d{3}(\d\*?|\d)+#",
    ],
)
def test_a_pattern_with_too_many_ways_is_named(pattern: str) -> None:
    """Repeats over each other's keys, however deep and however bounded, also behind a beginning that is harmless."""
    assert pattern_fault(pattern, 1, 32).startswith("can take for ever: an entry such as ")


@pytest.mark.parametrize(
    "pattern",
    [
        r"1[3-9]\d{9}",
        r"(0\d{2,3})?\d{7,8}",
        r"[0-9]+(\*[0-9]+)*",
        r"(?:\d{4}\*?)+",
        r"(\d{1,4}\*?){1,8}",
        r"(\d{1,20}\*){1,20}",
        "(1|2|3)+",
        "((1|2)(3|4))*",
        "[^*#]*",
        ".*",
        r"\d*\d*",
        r"(\d+)(\d+)(\d+)",
        r"^\d{17}[0-9*]$",
        r"(?!0)\d+",
        r"(?=\d{6})\d+",
        r"(\d)\1",
        r"(\d)?(?(1)\d|\*)",
        r"\d{1,64}",
        r"\w+\W*",
        r"(|1)*",
    ],
)
def test_an_ordinary_pattern_is_fine(pattern: str) -> None:
    """Numbers, accounts, identity cards, groups between stars, bounded repeats, assertions, references."""
    assert pattern_fault(pattern, 1, 32) == ""


def test_short_entries_allow_more() -> None:
    """What 10 keys can cost is little: the entry's own longest length counts."""
    assert pattern_fault("([0-9]+)+", 1, 10) == ""
    assert pattern_fault("([0-9]+)+", 1, 32) != ""


@pytest.mark.parametrize(
    ("pattern", "shortest", "longest"),
    [("[a-z]+", 1, 32), ("x?", 1, 32), (r"\d{11}", 1, 10), (r"\d{3}", 4, 8), ("", 1, 4), ("[^0-9*#]", 1, 4)],
)
def test_a_pattern_that_no_entry_fulfils_is_named(pattern: str, shortest: int, longest: int) -> None:
    """For its signs or for its length."""
    assert pattern_fault(pattern, shortest, longest) == f"no entry of {shortest} to {longest} keys fulfils this pattern"


_ATOMS = st.sampled_from(["1", "2", "[12]", "[^1]", ".", r"\d", r"\D", "(?:)"])
_PATTERNS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,3}", "{2,}", "*?"])).map(lambda two: f"(?:{two[0]}){two[1]}"),
    ),
    max_leaves=6,
)


@given(_PATTERNS, st.integers(1, 3), st.integers(0, 2))
def test_what_can_be_fulfilled_is_what_re_accepts(pattern: str, shortest: int, more: int) -> None:
    """For every expression: some entry of the right length passes, or none does, as trying all of them shows."""
    lengths = range(shortest, shortest + more + 1)
    entries = ("".join(keys) for length in lengths for keys in itertools.product("12*#", repeat=length))
    assert set("12*#") <= set(KEYS)
    assert (pattern_fault(pattern, shortest, shortest + more) == "") == any(re.fullmatch(pattern, entry) for entry in entries)


def test_a_flow_with_such_a_pattern_is_told_its_place(problems_of) -> None:  # type: ignore[no-untyped-def]
    """At the pattern, with the entry that takes so long and what to write."""
    (problem,) = problems_of(
        """\
flow: f
start: ask
nodes:
  ask: {type: collect, prompt: {zh: 号码, en: Number}, save: number, valid: {pattern: "([0-9]+)+x"}, next: hangup, failure: hangup}
"""
    )
    assert problem == (
        "flow0.yaml:4:85: can take for ever: an entry such as 00000000000000000 can be read in more than 100000 ways"
        " - let no repeat stand inside of another that takes the same keys: [0-9]+ instead of ([0-9]+)+"
    )
