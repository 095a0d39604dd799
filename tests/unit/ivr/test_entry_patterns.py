"""Patterns of entries: what a match costs is bounded, what the engine does not know is named, and so is what no entry can fulfil."""

import itertools
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.flow.entry_patterns import MOST_SIGNS, EntryPattern
from ivr.flow.entry_rules import Rules
from ivr.flow.pattern_lengths import KEYS, lengths_fault

pytestmark = pytest.mark.unit

GREEDY = [
    "([0-9]+)+x",
    "(1|1)*x",
    r"(\d+\s*)+$",
    r"((\d*)*)*x",
    "(0|01|1)*x",
    r"(\d?){32}x",
    r"(\d{1,30}){1,30}x",
    r"\d*\d*\d*\d*\d*\d*x",
    r"\d{3}(\d\*?|\d)+#x",
]


@pytest.mark.timeout(10)
@pytest.mark.parametrize("pattern", GREEDY)
def test_a_pattern_that_can_be_read_in_many_ways_is_answered_at_once(pattern: str) -> None:
    """31 and 64 digits against repeats over each other's keys: an engine that goes back would be at it for minutes to years."""
    rules = Rules.model_validate({"pattern": pattern})
    for digits in ("1" * 31, "0" * 64, "0123456789" * 6):
        rules.accept(digits)


@pytest.mark.timeout(30)
def test_no_pattern_of_any_shape_costs_much() -> None:
    """300 expressions grown at random out of the worst pieces are compiled, or refused, and matched, all within the test's seconds."""
    dice = random.Random(14)
    pieces = [r"\d", ".", "[0-9*]", "(1|1)", "(?:)", "(0|01)", r"\pL", "[^1]"]
    for _ in range(300):
        text = dice.choice(pieces)
        while len(text) < dice.randrange(20, MOST_SIGNS):
            text = dice.choice([f"({text}){dice.choice(['*', '+', '?', '{9}', '{1,30}', '{30}'])}", text + dice.choice(pieces)])
        try:
            pattern = EntryPattern(text[:MOST_SIGNS])
        except ValueError:
            continue
        pattern.fits("1" * 64)


@pytest.mark.parametrize(
    ("pattern", "named", "instead"),
    [
        ("(?!0)[0-9]+", "look-ahead", "[1-9][0-9]*"),
        ("(?=[0-9]{6})1+", "look-ahead", "one_of"),
        ("1(?<=1)2", "look-behind", "branch"),
        ("1(?<!1)2", "look-behind", "branch"),
        (r"([0-9])\1", "a reference to a group", "(11|22)"),
        ("(?P<one>[0-9])(?P=one)", "a reference to a group", "branch"),
        ("(?>[0-9]+)1", "an atomic group", "(?:...)"),
        ("[0-9]++", "never gives back", "[0-9]+"),
        ("(1)?(?(1)2|3)", "depends on another", "(1[0-9]|[2-9])"),
        ("[0-9]{,3}", "without its lower number", "{0,3}"),
        (r"[0-9]+\Z", r"\Z", "nothing"),
        ("1(?#one)2", "a comment", "YAML"),
    ],
)
def test_what_the_engine_does_not_know_is_named(pattern: str, named: str, instead: str) -> None:
    """And what to write instead."""
    with pytest.raises(ValueError, match=re.escape(named)) as caught:
        EntryPattern(pattern)
    assert "is not known to the engine of patterns (RE2): write " in str(caught.value)
    assert instead in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "entry"),
    [
        (r"1[3-9]\d{9}", "13800138000"),
        (r"(0\d{2,3})?\d{7,8}", "01062550100"),
        (r"[0-9]+(\*[0-9]+)*", "1*22*3"),
        (r"^\d{17}[0-9*]$", "11010519491231002*"),
        (r"\*\+?[(?=!]?\**", "**"),
        (r"[\d*#]{1,64}", "#" * 64),
        (r"[[:digit:]]+", "123"),
        (r"(?P<area>010|021)\d+", "0101"),
        (r"\\1|1", "1"),
        ("()|1", ""),
    ],
)
def test_an_ordinary_pattern_is_read_as_ever(pattern: str, entry: str) -> None:
    """Numbers, accounts, identity cards, groups between stars, names of groups, and signs that only look like what is not known."""
    assert EntryPattern(pattern).fits(entry)
    assert not EntryPattern(pattern).fits(entry + "x")


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("[0-9", "is no regular expression: missing ]"),
        ("1{1001}", "is no regular expression: invalid repetition size"),
        (r"(\pL{99}){9}", "is no regular expression: it is too large, use fewer or smaller repeats"),
        ("1" * (MOST_SIGNS + 1), "expected a regular expression of up to 200 characters, this one has 201"),
        ("\ud800", "is no regular expression"),
        (7, "expected a regular expression of up to 200 characters"),
    ],
)
def test_what_is_no_pattern_is_refused_in_words(pattern: object, words: str) -> None:
    """Broken, too large for the memory that a pattern may have, too long, or no text."""
    with pytest.raises(ValueError, match=re.escape(words)):
        Rules.model_validate({"pattern": pattern})


@pytest.mark.parametrize(
    ("pattern", "shortest", "longest"),
    [("[a-z]+", 1, 32), ("x?", 1, 32), (r"\d{11}", 1, 10), (r"\d{3}", 4, 8), ("", 1, 4), ("[^0-9*#]", 1, 4)],
)
def test_a_pattern_that_no_entry_fulfils_is_named(pattern: str, shortest: int, longest: int) -> None:
    """For its signs or for its length."""
    assert lengths_fault(pattern, shortest, longest) == f"no entry of {shortest} to {longest} keys fulfils this pattern"


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
    assert (lengths_fault(pattern, shortest, shortest + more) == "") == any(re.fullmatch(pattern, entry) for entry in entries)


def test_what_is_not_known_in_a_flow_is_told_with_its_place(problems_of) -> None:  # type: ignore[no-untyped-def]
    """At the pattern: file, line and column, and what to write."""
    (problem,) = problems_of(
        """\
flow: f
start: ask
nodes:
  ask: {type: collect, prompt: {zh: 号码, en: Number}, save: number, valid: {pattern: "(?!0)[0-9]+"}, next: hangup, failure: hangup}
"""
    )
    assert problem == (
        "flow0.yaml:4:85: look-ahead and look-behind is not known to the engine of patterns (RE2):"
        " write a list of what is allowed ([1-9][0-9]* for (?!0)[0-9]+), min, max, one_of, or a branch"
    )
