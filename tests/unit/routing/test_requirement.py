"""The expression over skills that says what a contact wants of an agent."""

import operator
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.domain.requirement import MAX_DEPTH, MAX_LENGTH, BadRequirement, parse, readable

pytestmark = pytest.mark.unit

COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq, "==": operator.eq, "!=": operator.ne}
Tree = tuple[str, Callable[[Mapping[str, int], str], bool]]  # an expression, and the same in Python
SKILLS = ("billing", "lang_zh", "sales")
levels = st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 5))
leaves = st.one_of(
    st.sampled_from(SKILLS).map(lambda s: (s, lambda have, who: have.get(s, 0) > 0)),
    st.sampled_from(("anna", "wang-2")).map(lambda a: (f"@{a}", lambda have, who: who == a)),
    st.tuples(st.sampled_from(SKILLS), st.sampled_from((">=", "<=", ">", "<", "=", "==", "!=")), st.integers(0, 5)).map(
        lambda t: (
            f"{t[0]} {t[1]} {t[2]}",
            lambda have, who: COMPARE[t[1]](have.get(t[0], 0), t[2]),
        )
    ),
)
trees: st.SearchStrategy[Tree] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(lambda t: (f"not ({t[0]})", lambda have, who: not t[1](have, who))),
        st.tuples(inner, inner).map(lambda p: (f"({p[0][0]} and {p[1][0]})", lambda have, who: p[0][1](have, who) and p[1][1](have, who))),
        st.tuples(inner, inner).map(lambda p: (f"({p[0][0]}) or ({p[1][0]})", lambda have, who: p[0][1](have, who) or p[1][1](have, who))),
    ),
    max_leaves=6,
)


@given(trees, levels, st.sampled_from(("anna", "wang-2", "li")))
def test_it_means_what_python_would_mean(tree: Tree, have: dict[str, int], who: str) -> None:
    """An expression suits exactly the agents for whom the same words are true in Python."""
    text, expected = tree

    assert parse(text).suits(have, who) == expected(have, who)


@given(trees, levels, st.sampled_from(("anna", "li")))
def test_the_canonical_text_means_the_same(tree: Tree, have: dict[str, int], who: str) -> None:
    """The canonical text reads back to itself and suits the same agents."""
    first = parse(tree[0])
    again = parse(first.text)

    assert again.text == first.text
    assert again.suits(have, who) == first.suits(have, who)
    assert (again.skills, again.agents) == (first.skills, first.agents)


@given(st.text(max_size=40) | st.text("()<>=@ andornt12", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever is written, the answer is a requirement or a BadRequirement."""
    assert readable(text) in (True, False)


def test_order_of_writing_does_not_matter() -> None:
    """`a and b` and `b and a` are one class; so are `=` and `==`."""
    assert parse("billing and lang_zh").text == parse("lang_zh and billing and billing").text
    assert parse("billing == 3").text == parse(" billing=3 ").text


def test_the_empty_expression_suits_everybody() -> None:
    assert parse("  ").suits({}, "anybody")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("billing and", "expected a skill, found 'the end'"),
        ("billing sales", "expected 'and', 'or' or the end, found 'sales'"),
        ("(billing", "is not closed"),
        ("billing >= 6", "a level from 0 to 5"),
        ("billing >=", "found 'the end'"),
        ("billing & sales", "unexpected '&' at character 9"),
        ("3 >= billing", "expected a skill, found '3'"),
        ("(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1), "nested more than"),
        ("not " * (MAX_DEPTH + 1) + "a", "nested more than"),
        ("a" * (MAX_LENGTH + 1), "at most"),
    ],
)
def test_a_mistake_is_told_in_words(text: str, says: str) -> None:
    """What cannot be read says where and what was expected."""
    with pytest.raises(BadRequirement, match=says):
        parse(text)


@pytest.mark.parametrize(
    ("text", "suited"),
    [
        ("site = shanghai", {"anna"}),
        ("site != shanghai", {"li", "zoe"}),
        ('site = "North 2" and billing', {"li"}),
        ("not site = shanghai or billing >= 4", {"anna", "li", "zoe"}),
    ],
)
def test_attributes_are_asked_for_by_name(text: str, suited: set[str]) -> None:
    """`name = value` compares an agent's attribute; who does not have it has the empty value."""
    people = {"anna": ({"billing": 5}, {"site": "shanghai"}), "li": ({"billing": 2}, {"site": "North 2"}), "zoe": ({}, {})}
    wanted = parse(text)

    assert {name for name, (skills, attributes) in people.items() if wanted.suits(skills, name, attributes)} == suited
    assert wanted.attributes == {"site"}
    assert parse(wanted.text).text == wanted.text
