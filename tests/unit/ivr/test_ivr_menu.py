"""Menus: choices by key, time-outs and wrong keys counted apart, and the ways back."""

import pytest

from ivr.ports import Speech
from ivr.testing import ScriptedPhone, presses
from tests.unit.ivr.conftest import Walker

pytestmark = pytest.mark.unit

MENU = """
flow: f
languages: [en]
start: main
keys: {"0": person}
nodes:
  main:
    type: menu
    prompt: {en: long}
    short_prompt: {en: short}
    options: {1: one, 12: twelve, 2: sub, 8XX: direct}
    save: choice
    no_input: {attempts: 3, prompts: [{en: silent once}, {en: silent again}], then: silent}
    no_match: {attempts: 2, prompts: [{en: wrong}], then: wrong}
    repeat: "*"
  sub: {type: menu, prompt: {en: sub}, options: {1: deep, 2: one}, back: "9", top: "#", failure: one}
  deep: {type: menu, prompt: {en: deep}, options: {1: back, 2: top}, failure: one}
  one: {type: hangup, prompt: {en: one}}
  twelve: {type: hangup, prompt: {en: twelve}}
  direct: {type: hangup, prompt: {en: "extension {choice}"}}
  silent: {type: hangup}
  wrong: {type: hangup}
  person: {type: hangup, prompt: {en: person}}
"""


async def test_a_key_leads_to_its_option(walk: Walker) -> None:
    """The first prompt is the long one, and a choice is kept in a variable."""
    walked = await walk(MENU, ["", "8", "2", "3"])
    assert walked.phone.said == ["long", "silent once", "short", "extension 823"]
    assert walked.call.variables["choice"] == "823"


async def test_a_choice_that_begins_a_longer_one_waits_for_the_next_key(walk: Walker) -> None:
    """1 and 12: after a pause or the finish key it is 1, with a 2 it is 12."""
    assert (await walk(MENU, ["1", ""])).visited[-1] == "one"
    assert (await walk(MENU, "1#")).visited[-1] == "one"
    assert (await walk(MENU, "12")).visited[-1] == "twelve"
    assert (await walk(MENU, "2")).visited[-1] == "sub"


async def test_silence_and_wrong_keys_are_counted_apart(walk: Walker) -> None:
    """Two silences and one wrong key exhaust neither; each has its prompts in turn and its own exit."""
    walked = await walk(MENU, ["", "7", "", "", "x"])
    assert walked.visited == ["main", "silent"]
    assert walked.phone.said == ["long", "silent once", "short", "wrong", "short", "silent again", "short"]
    assert (await walk(MENU, ["7", "", "7"])).visited == ["main", "wrong"]


async def test_counters_and_the_long_prompt_start_anew_on_entry(walk: Walker) -> None:
    """A caller who comes back by a key has all attempts again."""
    walked = await walk(MENU, ["", "", "2", "9", "", "", "", "x"])
    assert walked.visited == ["main", "sub", "main", "silent"]
    assert walked.phone.said.count("long") == 2


async def test_repeat_says_the_long_prompt_and_costs_no_attempt(walk: Walker) -> None:
    walked = await walk(MENU, ["*", "*", "*", "*", "2"])
    assert walked.phone.said == ["long"] * 5 + ["sub"]


async def test_back_and_top_lead_through_the_menus_as_they_were_entered(walk: Walker) -> None:
    """back: the calling menu; top: the first; both as keys and as targets."""
    assert (await walk(MENU, "2" + "1" + "1" + "9")).visited == ["main", "sub", "deep", "sub", "main"]
    assert (await walk(MENU, "2" + "1" + "2")).visited == ["main", "sub", "deep", "main"]
    assert (await walk(MENU, "2" + "#")).visited == ["main", "sub", "main"]


async def test_a_shortcut_key_is_valid_in_every_menu_unless_the_menu_uses_it(walk: Walker) -> None:
    assert (await walk(MENU, "0")).visited == ["main", "person"]
    assert (await walk(MENU, "20")).visited == ["main", "sub", "person"]
    own = MENU.replace("options: {1: deep, 2: one}", "options: {1: deep, 2: one, 0: one}")
    assert (await walk(own, "20")).visited == ["main", "sub", "one"]


async def test_no_barge_in_hears_the_prompt_out_and_type_ahead_can_be_flushed(walk: Walker) -> None:
    """Keys pressed early are kept, or dropped where the menu says so."""
    keep = MENU.replace("type: menu\n    prompt: {en: long}", "type: menu\n    barge_in: no\n    prompt: {en: long}")
    assert (await walk(keep, phone=ScriptedPhone("", early="2"))).visited == ["main", "sub"]
    flush = keep.replace("barge_in: no", "barge_in: no\n    type_ahead: flush")
    assert (await walk(flush, phone=ScriptedPhone(["7", "7"], early="2"))).visited == ["main", "wrong"]


async def test_keys_after_a_wrong_one_are_forgotten(walk: Walker) -> None:
    """What was typed ahead of an error would choose something unheard."""
    walked = await walk(MENU, phone=ScriptedPhone("", early="72"))
    assert walked.visited == ["main"]


async def test_named_prompts_carry_their_recording_and_texts_with_variables_do_not(walk: Walker) -> None:
    """A recording belongs to its flow."""
    text = """
flow: f
languages: [en]
start: a
prompts: {plain: {en: plain}, filled: {en: "{ani}"}}
nodes:
  a: {type: hangup, prompt: [plain, filled, {en: inline}]}
"""
    walked = await walk(text)
    assert walked.phone.speech == [Speech("en", "plain", "plain", "f"), Speech("en", "+8613812345678"), Speech("en", "inline")]


def test_presses_makes_keys_and_silences_of_entries() -> None:
    assert presses(["12#", "", "3"]) == ["1", "2", "#", "", "3"]
