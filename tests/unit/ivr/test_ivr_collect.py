"""Digits entered by a caller: when an entry ends, what is accepted, and what is never shown."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.flow.entry_rules import Rules, is_date, luhn
from ivr.testing import ScriptedPhone
from tests.unit.ivr.conftest import Walker

pytestmark = pytest.mark.unit


def flow(settings: str, keys: str = "{}") -> str:
    return f"""
flow: f
languages: [en]
start: ask
keys: {keys}
nodes:
  ask: {{type: collect, prompt: {{en: long}}, short_prompt: {{en: short}}, save: entry, next: done, failure: failed, {settings}}}
  done: {{type: menu, prompt: {{en: menu}}, options: {{1: end, "#": hash, 5: person}}, failure: failed}}
  failed: {{type: hangup}}
  end: {{type: hangup}}
  hash: {{type: hangup}}
  person: {{type: hangup}}
"""


@pytest.mark.parametrize(
    ("settings", "keys", "entry"),
    [
        ("max_length: 4", ["1", "2", "3", "4"], "1234"),
        ("max_length: 4", ["1", "2", "#"], "12"),
        ("max_length: 4", ["1", "2", ""], "12"),
        ('finish_key: "*"', ["1", "2", "*"], "12"),
        ('finish_key: "", max_length: 3, valid: {pattern: "[0-9#]+"}', ["1", "#", "2"], "1#2"),
    ],
)
async def test_an_entry_ends_when_full_finished_or_paused(walk: Walker, settings: str, keys: list[str], entry: str) -> None:
    assert (await walk(flow(settings), keys)).call.variables["entry"] == entry


async def test_a_finish_key_after_a_full_entry_belongs_to_it(walk: Walker) -> None:
    """It does not fall into the menu that follows - unless it comes too late."""
    assert (await walk(flow("max_length: 4"), "1234#1")).visited == ["ask", "done", "end"]
    assert (await walk(flow("max_length: 4"), ["1", "2", "3", "4", "", "#"])).visited == ["ask", "done", "hash"]


async def test_silence_and_bad_entries_are_counted_apart(walk: Walker) -> None:
    """Too short is no_match; after the last attempt the exit is taken, and nothing is saved."""
    limits = "min_length: 3, max_length: 4, no_input: {attempts: 2}, no_match: {attempts: 2}"
    walked = await walk(flow(limits), ["1", "#", "", "2", "#"])
    assert walked.visited == ["ask", "failed"]
    assert walked.phone.said == ["long", "That is not a valid entry.", "short", "I did not hear a key.", "short"]
    assert "entry" not in walked.call.variables


async def test_the_finish_key_alone_is_no_input(walk: Walker) -> None:
    walked = await walk(flow("no_input: {attempts: 1, then: end}"), "#")
    assert walked.visited == ["ask", "end"]


async def test_a_long_entry_is_confirmed_or_entered_again(walk: Walker) -> None:
    """1 takes it, 2 asks again and costs an attempt, silence and other keys too."""
    settings = "max_length: 2, confirm: yes, no_match: {attempts: 3}"
    assert (await walk(flow(settings), "12" + "2" + "34" + "1")).call.variables["entry"] == "34"
    assert (await walk(flow(settings), ["1", "2", "2", "3", "4", "2", "5", "6", "2"])).visited == ["ask", "failed"]
    assert (await walk(flow(settings), ["1", "2", "", "7", "1"])).call.variables["entry"] == "12"


async def test_a_sensitive_entry_is_masked_everywhere(walk: Walker) -> None:
    """Neither events nor what is made of it nor an agent's screen show it."""
    text = """
flow: f
languages: [en]
start: pin
nodes:
  pin: {type: collect, prompt: {en: pin}, save: pin, max_length: 4, min_length: 4, sensitive: yes, failure: wait, next: copy}
  copy: {type: set, values: {copy: "x{pin}", sum: "= pin + 0"}, next: wait}
  wait: {type: queue, queue: billing, data: {pin: "{pin}", copy: "{copy}", sum: "{sum}", ani: "{ani}"}, otherwise: hangup}
"""
    walked = await walk(text, "12" + "#" + "4711")
    assert walked.call.variables["pin"] == "4711"
    assert walked.queues.requests[0].data == {"pin": "****", "copy": "****", "sum": "****", "ani": "+8613812345678"}
    assert "4711" not in repr(walked.events.all)
    assert [data["keys"] for data in walked.events.of("input_received")] == ["****", "****"]
    assert "4711" not in repr(walked.call)


async def test_a_shortcut_key_counts_when_it_is_all_that_was_entered(walk: Walker) -> None:
    """0 alone is a person, 0123 is an entry; a star needs no pause."""
    keys = '{"0": person, "*": person}'
    assert (await walk(flow("min_length: 4", keys), ["0", ""])).visited == ["ask", "person"]
    assert (await walk(flow("min_length: 4", keys), "0123#")).call.variables["entry"] == "0123"
    assert (await walk(flow("min_length: 4", keys), "*")).visited == ["ask", "person"]
    assert (await walk(flow("min_length: 1", keys), "0#")).call.variables["entry"] == "0"


async def test_keys_typed_ahead_are_taken_or_flushed(walk: Walker) -> None:
    assert (await walk(flow("max_length: 2"), phone=ScriptedPhone("", early="12"))).call.variables["entry"] == "12"
    flushed = await walk(flow("max_length: 2, type_ahead: flush"), phone=ScriptedPhone("34", early="12"))
    assert flushed.call.variables["entry"] == "34"


@pytest.mark.parametrize(
    ("rules", "good", "bad"),
    [
        ({"pattern": "[1-9][0-9]+"}, ["12"], ["02", "1", "1*"]),
        ({"luhn": True}, ["4111111111111111", "79927398713"], ["4111111111111112", "0", "*"]),
        ({"date": "YYYYMMDD"}, ["20240229", "19991231"], ["20230229", "20241301", "2024022", "00000101"]),
        ({"date": "DDMMYYYY"}, ["31121999"], ["31111999"]),
        ({"date": "MMDD"}, ["0229"], ["0230", "229"]),
        ({"date": "MMYY"}, ["1226"], ["1326"]),
        ({"min": "10", "max": "20"}, ["10", "020"], ["9", "21", "#"]),
        ({"one_of": ["1", "22", "*"]}, ["1", "22", "*"], ["2", ""]),
        ({}, ["0", "123"], ["1*2", ""]),
    ],
)
def test_rules_accept_and_refuse(rules: dict[str, object], good: list[str], bad: list[str]) -> None:
    built = Rules.model_validate(rules)
    assert [entry for entry in good if not built.accept(entry)] == []
    assert [entry for entry in bad if built.accept(entry)] == []


@given(st.text(alphabet="0123456789", min_size=1, max_size=18))
def test_exactly_one_check_digit_satisfies_luhn(digits: str) -> None:
    assert sum(luhn(digits + check) for check in "0123456789") == 1


@given(st.dates())
def test_every_day_is_a_date_in_every_form(day: date) -> None:
    assert is_date(day.strftime("%Y").zfill(4) + day.strftime("%m%d"), "YYYYMMDD")
    assert is_date(day.strftime("%m%d"), "MMDD")
