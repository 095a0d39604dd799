"""The arguments of Dial as text: phones, time and options. Nothing but plain names goes into it."""

import math
import re
from collections.abc import Mapping, Sequence

from agi.dialled_phone import DialTarget

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ENDPOINT = re.compile(r"[A-Za-z0-9_-]{1,64}|\+?[0-9]{1,32}@[A-Za-z0-9_-]{1,64}")
_OFFER = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_SOUNDS = re.compile(r"(?:[A-Za-z0-9_./-]{1,256}(?:&(?=.))?){0,4}")
_OUTSIDE = re.compile(r"PJSIP/\+?[0-9]{1,32}@[A-Za-z0-9_-]{1,64}|PJSIP/[A-Za-z0-9_-]{1,64}")

# The dialplan's routines for a leg, see server/asterisk/templates/extensions.conf.j2.
PICKED_UP = "hotline-picked-up"
SELF_ANSWERING = "hotline-self-answering"
OFFERED = "hotline-offered"


def check(target: DialTarget, music_class: str) -> None:
    """Raises ValueError for what may not go into a Dial."""
    _check("endpoint", _ENDPOINT, target.endpoint)
    _check("offer", _OFFER, target.offer)
    _check("music class", _NAME, music_class)
    for sounds in (target.whisper, target.question, target.beep):
        _check("sound", _SOUNDS, sounds)


def check_outside(dial_string: str) -> None:
    """Raises ValueError for anything but one number on one trunk, or one phone."""
    _check("dial string", _OUTSIDE, dial_string)


def _seconds(timeout_ms: int) -> int:
    """As Dial takes it."""
    return max(1, math.ceil(timeout_ms / 1000))


def dial_arguments(targets: Sequence[DialTarget], timeout_ms: int, music_class: str) -> str:
    """Ring all of them at once; music until the answer; the caller comes back (g), the agent may transfer (t), and a phone that names
    another one is not followed there (i).

    First (B) the caller's channel learns which offers ring: with Dial itself, so that ringing takes one command.
    """
    options = f"m({music_class})gtiB({OFFERED}^s^1({offers_text({each.endpoint: each.offer for each in targets})}))"
    by_themselves = [each for each in targets if each.beep]
    if by_themselves:
        options += f"b({SELF_ANSWERING}^s^1({_list(by_themselves)}^{by_themselves[0].beep}))"
    if not any(each.screened for each in targets):
        options += f"U({PICKED_UP})"
    else:
        asked = [each for each in targets if each.question]
        question = asked[0].question if asked else ""
        whisper = next((each.whisper for each in targets if each.whisper), "")
        options += f"U({PICKED_UP}^{whisper}^{question}^{_list(asked)})"
    return "&".join(f"PJSIP/{each.endpoint}" for each in targets) + f",{_seconds(timeout_ms)},{options}"


def outside_arguments(dial_string: str, timeout_ms: int) -> str:
    """Connect to that one: the caller comes back (g), and nobody is followed to another number (i)."""
    return f"{dial_string},{_seconds(timeout_ms)},giU({PICKED_UP})"


def offers_text(offers: Mapping[str, str]) -> str:
    """What HOTLINE_OFFER says on a caller's channel: the offer that rings; of several (dial string -> offer) also whose is which."""
    if len(offers) == 1:
        return next(iter(offers.values()))
    return "&".join(f"{offer}={called}" for called, offer in offers.items())


def _list(targets: Sequence[DialTarget]) -> str:
    return "&".join(each.endpoint for each in targets)


def _check(what: str, pattern: re.Pattern[str], value: str) -> None:
    if not pattern.fullmatch(value):
        raise ValueError(f"{what} {value!r} may not go into a Dial: expected {pattern.pattern}")
