"""Texts with variables, and prompts per language."""

import pytest

from ivr.flow.texts import Prompt, parse_prompt, parse_prompts, parse_template, parse_use

pytestmark = pytest.mark.unit


def test_variables_are_filled_in_and_escaped() -> None:
    template = parse_template("a {x} {{b}} {y|text}")
    assert template.names == {"x", "y"}
    assert template.fill({"x": "1 2"}, escape=lambda value: value.replace(" ", "+")) == "a 1+2 {b} "


def test_values_are_spoken_by_kind_and_unspeakable_ones_as_they_stand() -> None:
    """A wrong value is never an error to a caller."""
    assert parse_template("{d|digits}").spoken({"d": "12"}, "en") != "12"
    assert parse_template("{m|money}").spoken({"m": "abc"}, "en") == "abc"
    assert parse_template("{m|money USD}").spoken({"m": "2"}, "en") != parse_template("{m|money CNY}").spoken({"m": "2"}, "en")


@pytest.mark.parametrize("text", ["{", "}", "{}", "{a b}", "{1a}", "{a|mony}", "{a.b}", "{{a}", "x" * 5000])
def test_a_bad_text_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        parse_template(text)


def test_a_prompt_is_a_name_or_texts_and_one_alone_is_a_list() -> None:
    assert parse_use("welcome") == Prompt(name="welcome")
    inline = parse_use({"zh": "你好", "": "hello"})
    assert inline.text("zh").text == "你好"  # type: ignore[union-attr]
    assert inline.text("fr").text == "hello"  # type: ignore[union-attr]
    assert parse_prompts("a") == parse_prompts(["a"])
    assert parse_prompt("x", "n").text("en").text == "x"  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="expected the name of a prompt, found 'Hello, you'"):
        parse_use("Hello, you")
    with pytest.raises(ValueError, match="expected text per language"):
        parse_use({})
