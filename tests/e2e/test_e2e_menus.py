"""Menus by real keys and real sound: barge-in, keys pressed early, counters, languages."""

import asyncio
from itertools import dropwhile

import pytest

from simulator.phone import Sound
from simulator.phone.rtp import FRAME
from simulator.phone.tones import rms
from tests.e2e.e2e_house import House, likeness

SPOKEN_FRAMES = 125  # 2.5 s
QUIET = 200.0  # rms of a frame that is no speech

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_a_key_stops_the_prompt(house: House) -> None:
    """A key in the middle of a long prompt ends it at once, and counts."""
    guest = await house.dial("4000")
    await guest.at_node("language")
    assert await guest.listen(2.0) is Sound.SPEECH
    await guest.call.press("2")
    await guest.at_node("choices")
    assert await guest.listen(2.0) is Sound.SPEECH
    await guest.call.press("3")
    entered = await guest.event("node_entered", node="person")
    pressed = await guest.event("input_received", node="choices")
    assert pressed["data"] == {"keys": "3", "understood": True}
    assert entered["at_ms"] - pressed["at_ms"] < 1500


async def test_keys_pressed_ahead_lead_through_menus(house: House) -> None:
    """Who knows the way presses all keys at once and hears nothing of it."""
    guest = await house.dial("4000")
    await guest.call.press("1177")
    queued = await guest.event("contact_queued", within=4)
    await guest.at_node("technical")
    assert queued["queue"] == "technical"
    assert queued["data"]["language"] == "zh"
    assert [event["node"] for event in guest.told("node_entered")] == ["language", "chinese", "choices", "deeper", "technical"]


async def test_back_leads_to_the_menu_before(house: House) -> None:
    """The back key of a submenu offers the menu before it again."""
    guest = await house.dial("4000")
    await guest.call.press("11*2")
    await guest.at_node("technical")
    assert [event["node"] for event in guest.told("node_entered")][2:] == ["choices", "deeper", "choices", "technical"]


async def test_silence_is_counted(house: House) -> None:
    """Who presses nothing is asked again, and then comes out where the flow says."""
    guest = await house.dial("4000")
    await guest.call.press("21")
    await guest.at_node("nobody_there", within=15)
    inputs = [event["data"] for event in guest.told("input_received") if event["node"] == "deeper"]
    assert inputs == [{"keys": "", "understood": False}] * 2
    assert (await guest.over())["data"]["ended_by"] == "system"


async def test_wrong_keys_are_counted_apart(house: House) -> None:
    """A wrong key is told so; the second one leads out by its own exit."""
    guest = await house.dial("4000")
    await guest.call.press("218")
    await guest.event("input_received", node="deeper", keys="8")
    await guest.call.pause(0.8)
    await guest.call.press("9")
    await guest.at_node("wrong_keys")
    inputs = [event["data"]["keys"] for event in guest.told("input_received") if event["node"] == "deeper"]
    assert inputs == ["8", "9"]
    assert (await guest.over())["data"]["ended_by"] == "system"


async def test_languages_sound_different(house: House) -> None:
    """The same menu in Chinese, again in Chinese, and in English: the first two sound alike, the third does not."""
    courses = []
    for key in "112":
        guest = await house.dial("4000")
        await guest.call.press(key)
        await guest.at_node("choices")
        start = len(guest.call.heard)
        course = list[float]()
        async with asyncio.timeout(30):
            while len(course) < SPOKEN_FRAMES:  # of speech: how long it is in coming is not judged
                await guest.call.pause(0.5)
                sound = guest.call.heard.samples(start)
                frames = [rms(sound[at : at + FRAME]) for at in range(0, len(sound) - FRAME, FRAME)]
                course = list(dropwhile(lambda loudness: loudness < QUIET, frames))
        courses.append(course[:SPOKEN_FRAMES])
        await guest.call.hang_up()
    assert likeness(courses[0], courses[1]) > 0.9
    assert likeness(courses[0], courses[2]) < 0.7
