"""Commands: what Asterisk reads is what was meant, whatever the values are."""

import inspect
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agi import commands
from agi.errors import UnsafeValue
from agi.protocol import MAX_COMMAND_BYTES, AsteriskSide, split_words

pytestmark = pytest.mark.unit

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200) | st.text(alphabet="\"\\ \t'${}(),王é\n\r\0;|", max_size=40)
SAFE_TEXT = ANY_TEXT.filter(lambda text: not set(text) & set("\r\n\0"))
COMMANDS = {
    name: function
    for name, function in inspect.getmembers(commands, inspect.isfunction)
    if function.__module__ == commands.__name__ and name not in ("quote", "line", "exec_app", "set_variables")
}


@given(st.lists(SAFE_TEXT, max_size=5))
def test_every_value_arrives_as_it_is(values: list[str]) -> None:
    """Quotes, backslashes, blanks, tabs, CJK: Asterisk's parser gives back exactly these words."""
    assert split_words(commands.line("SET VARIABLE", *values)) == ["SET", "VARIABLE", *values]


@pytest.mark.parametrize("name", sorted(COMMANDS))
@given(data=st.data())
def test_no_value_of_any_command_injects(name: str, data: st.DataObject) -> None:
    """Each command is one line and one command, or UnsafeValue, for any text in any of its parameters."""
    values: dict[str, Any] = {}
    for parameter in inspect.signature(COMMANDS[name]).parameters.values():
        kinds = {
            str: ANY_TEXT,
            int: st.integers(-(10**9), 10**9),
            bool: st.booleans(),
        }
        values[parameter.name] = data.draw(kinds[parameter.annotation])
    texts = [value for value in values.values() if isinstance(value, str)]
    try:
        line = COMMANDS[name](**values)
    except UnsafeValue:
        assert any(set(text) & set("\r\n\0") for text in texts)
        return
    (words,) = AsteriskSide().feed(line.encode() + b"\n")
    assert " ".join(words).upper().startswith(name.replace("_", " ").upper())
    assert name == "set_music" or {text for text in texts if text} <= set(words)


@pytest.mark.parametrize("breaker", ["\r", "\n", "\0", 'a"\nEXEC System "touch /tmp/x'])
def test_line_breaks_are_refused_without_showing_the_value(breaker: str) -> None:
    """They have no escape in AGI; the message may end in a log and must not carry a PIN there."""
    with pytest.raises(UnsafeValue) as caught:
        commands.set_variable("PIN", "4711" + breaker)
    assert "4711" not in str(caught.value)


def test_a_line_is_never_longer_than_asterisk_reads() -> None:
    """Bytes count, not characters: the rest would be run as the next command."""
    fits = "x" * (MAX_COMMAND_BYTES - len('SET VARIABLE "V" ""\n'))
    assert len(commands.set_variable("V", fits).encode()) + 1 == MAX_COMMAND_BYTES
    with pytest.raises(UnsafeValue):
        commands.set_variable("V", fits + "x")
    with pytest.raises(UnsafeValue):
        commands.set_variable("V", "王" * 700)
    with pytest.raises(UnsafeValue):
        commands.verbose("\\" * 1100)


def test_too_many_words_are_refused() -> None:
    """Asterisk drops them silently."""
    commands.line("GOSUB", *["x"] * 125)
    with pytest.raises(UnsafeValue):
        commands.line("GOSUB", *["x"] * 126)


def test_half_a_character_is_refused() -> None:
    """A lone surrogate cannot be encoded; that is the value's fault, not a crash."""
    with pytest.raises(UnsafeValue):
        commands.verbose("\ud800")


@pytest.mark.parametrize("name", ["", "Dial System", 'Dial"', "Dial\n", "$(x)", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_an_application_name_is_a_name(name: str) -> None:
    """Nothing else can ride on EXEC's first word."""
    with pytest.raises(UnsafeValue):
        commands.exec_app(name)


def test_lines_read_as_documented() -> None:
    """A few in full."""
    assert commands.stream_file("/s/hello", "12#", 800) == 'STREAM FILE "/s/hello" "12#" 800'
    assert commands.wait_for_digit(5000) == "WAIT FOR DIGIT 5000"
    assert commands.set_music(True, "calm") == 'SET MUSIC ON "calm"'
    assert commands.set_music(False, "calm") == "SET MUSIC OFF"
    assert commands.exec_app("Dial", "PJSIP/1001,20,g") == 'EXEC "Dial" "PJSIP/1001,20,g"'
    assert commands.record_file("/r/a", "wav", "#", 60000, silence_s=5) == 'RECORD FILE "/r/a" "wav" "#" 60000 "BEEP" "s=5"'


@given(st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=3))
def test_several_variables_are_one_command_whatever_they_are_called_and_hold(values: dict[str, str]) -> None:
    """What MSet would take apart is refused."""
    try:
        words = split_words(commands.set_variables(values))
    except UnsafeValue:
        return
    assert words[:2] == ["EXEC", "MSet"]
    assert [tuple(pair.split("=", 1)) for pair in words[2].split(",") if pair] == list(values.items())


def test_several_variables_are_set_by_one_command_with_values_that_mset_takes_as_they_are() -> None:
    """MSet splits at commas and reads quotes, brackets and backslashes in its own way: such a value is refused."""
    assert commands.set_variables({"A": "a-1_=", "__B": ""}) == 'EXEC "MSet" "A=a-1_=,__B="'
    for name, value in (("A", "x,B=y"), ("A", '"x"'), ("A", "x(y"), ("A=1,B", "x"), ("", "x")):
        with pytest.raises(UnsafeValue):
            commands.set_variables({name: value})
