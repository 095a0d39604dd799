"""Fragments of the changelog, and how they are gathered."""

import pytest

from tests.changelog import FRAGMENTS, LONGEST, fragments, gathered, items, mistakes

pytestmark = pytest.mark.unit

EMPTY = "# Changelog\n\nWhat users notice.\n"


def test_the_fragments_of_today_can_be_gathered() -> None:
    assert mistakes(fragments(FRAGMENTS)) == []


def test_a_version_is_made_above_the_others_with_one_item_a_line() -> None:
    """By issue as a number, those without one at the end."""
    first = gathered(EMPTY, "0.1.0", {"docs-x.md": "D is new.\n", "10-b.md": "B is new.\nC is new.\n", "2-a.md": "A is new.\n"})
    assert first == f"{EMPTY}\n## 0.1.0\n\n* A is new.\n* B is new.\n* C is new.\n* D is new.\n"
    assert gathered(first, "0.2.0", {"3-e.md": "E is new."}) == first.replace("## 0.1.0", "## 0.2.0\n\n* E is new.\n\n## 0.1.0")


def test_an_item_is_wrapped_and_stays_one_item() -> None:
    """Read back as a list it is what the fragment said; neither a word nor an option is cut."""
    told = "It is new. " + "`--with-a-long-option` " * 20 + "at last."
    text = gathered(EMPTY, "0.1.0", {"1-a.md": told})
    section = text.partition("## 0.1.0\n\n")[2]
    assert max(map(len, text.splitlines())) <= LONGEST
    assert items(section) == [told]


def test_a_version_that_is_there_is_added_to() -> None:
    both = gathered(gathered(EMPTY, "0.1.0", {"1-a.md": "A is new."}), "0.2.0", {"2-b.md": "B is new."})
    assert gathered(both, "0.2.0", {"3-c.md": "C is new."}) == both.replace("* B is new.\n", "* B is new.\n* C is new.\n")
    assert gathered(both, "0.1.0", {"3-c.md": "C is new."}) == both.replace("* A is new.\n", "* A is new.\n* C is new.\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("A.\nB.\n", ["A.", "B."]),
        ("A is\nnew. So it is.\nB.", ["A is new. So it is.", "B."]),
        ("* A is new.\n  It is.\n* B.", ["A is new. It is.", "B."]),
    ],
)
def test_a_fragment_is_a_list_or_lines_and_either_may_be_wrapped(text: str, told: list[str]) -> None:
    assert items(text) == told


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("4.md", "It is new.", "the name must be"),
        ("4-It.md", "It is new.", "the name must be"),
        ("4-a.md", "", "whole sentences"),
        ("4-a.md", "# New\n\nIt is new.", "whole sentences"),
        ("4-a.md", "It is new", "whole sentences"),
        ("4-a.md", "It is new.\n\nAnd this.", "whole sentences"),
    ],
)
def test_a_fragment_that_would_spoil_the_list_is_named(name: str, text: str, said: str) -> None:
    [problem] = mistakes({name: text})
    assert problem.startswith(f"{name}: ")
    assert said in problem
