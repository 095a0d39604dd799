"""What an Asterisk that somebody else runs lacks, in one sentence each with what to do: pure, from what `examination.py` has found out."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from server.asterisk.modules import CHECK_MODULES, REQUIRED_MODULES

About = Literal["version", "rights", "modules", "dialplan", "check", "prompts", "music", "features", "phones"]
ABOUTS: tuple[About, ...] = get_args(About)

OLDEST = 20
MUSIC_MS = 900  # of the second that is played; an Asterisk without music returns at once
CONTEXTS = (
    "hotline",
    "hotline-served",
    "hotline-transfer",
    "hotline-passed-on",
    "hotline-picked-up",
    "hotline-self-answering",
    "hotline-overtime",
)
PRINT = "./hotline asterisk-config prints it"

# An action of AMI -> the right that lets us use it, and the module that it comes from ("" for Asterisk itself).
ACTIONS = {
    "Getvar": ("call", ""),
    "Setvar": ("call", ""),
    "Hangup": ("call", ""),
    "Redirect": ("call", ""),
    "ControlPlayback": ("call", "app_controlplayback"),
    "PlayDTMF": ("call", "app_senddtmf"),
    "Originate": ("originate", ""),
    "CoreSettings": ("reporting", ""),
    "CoreShowChannels": ("reporting", ""),
    "ShowDialPlan": ("reporting", "pbx_config"),
    "DeviceStateList": ("reporting", "res_manager_devicestate"),
}
WITHOUT_RIGHT = {
    "write = call": "nobody can be interrupted, hung up or taken over",
    "write = originate": "nobody can be called, and what else is missing cannot be tried",
    "write = reporting": "calls and phones that are there already are not seen",
    "read = call": "nothing is heard of phones and calls: phones stay off and callers wait beside ready agents",
    "read = dtmf": "keys that callers press while they wait are not heard",
    "read = user": "it is not heard that an agent has picked up",
}
# What only some calls need: Hotline takes calls without them.
WITHOUT_MODULE = {
    "app_mixmonitor": "nothing can be recorded",
    "codec_alaw": "phones that speak A-law only are not understood",
    "codec_ulaw": "phones that speak mu-law only are not understood",
    "res_pjsip_dtmf_info": "keys of phones that send them by SIP INFO are not heard",
    "res_pjsip_outbound_registration": "lines that log in to a carrier do not work",
    "res_pjsip_rfc3326": "phones count calls that another one answered as missed",
    **dict.fromkeys(CHECK_MODULES, "a part of this check cannot be made"),
}


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is missing. A dangerous one makes the server not ready: callers would suffer."""

    about: About
    words: str
    dangerous: bool


@dataclass(frozen=True, slots=True)
class Expected:
    """What a site needs of its Asterisk. `files`: sound files that it must be able to read; `servers`: FastAGI addresses."""

    stamp: str
    ami_user: str
    phones: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PhoneFound:
    """An endpoint as PJSIP has it; `context` is "" when there is no such endpoint, `codes` None when it cannot be asked."""

    context: str = ""
    codes: bool | None = None
    rtp_timeout: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check call found: the stamp of the dialplan, milliseconds of music, and the files that Asterisk could not read."""

    stamp: str
    music_ms: float
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found. A thing that could not be asked, because a right or a module is missing, is left at its default."""

    version: str = ""
    actions: frozenset[str] = frozenset()
    modules: Mapping[str, bool] = field(default_factory=dict)
    contexts: frozenset[str] | None = None
    features: Mapping[str, str] | None = None  # blindxfer, atxfer
    tried: bool = False  # the check call was begun
    read: frozenset[str] = frozenset()  # classes of events that came from it
    tagged: bool = True  # the events named HOTLINE_OFFER
    checked: Checked | None = None
    phones: Mapping[str, PhoneFound] = field(default_factory=dict)


def find_gaps(facts: Facts, expected: Expected) -> list[Gap]:
    """Every gap, the dangerous ones first."""
    parts = (_version(facts), _rights(facts, expected), _modules(facts), _dialplan(facts, expected), _check(facts), _sounds(facts))
    found = [gap for part in (*parts, _features(facts), _phones(facts, expected)) for gap in part]
    return sorted(found, key=lambda gap: not gap.dangerous)


def _version(facts: Facts) -> Iterator[Gap]:
    known = re.match(r"(?:certified[-/])?(\d+)\.", facts.version)
    if known and int(known[1]) < OLDEST:
        yield Gap("version", f"it is Asterisk {facts.version}, and Hotline needs {OLDEST} or newer: upgrade it.", True)


def _rights(facts: Facts, expected: Expected) -> Iterator[Gap]:
    for right in ("call", "originate", "reporting"):
        of_right = [action for action, (needs, module) in ACTIONS.items() if needs == right and not module and action != "Getvar"]
        if not facts.actions.intersection(of_right):
            yield _right(f"write = {right}", expected.ami_user)
    if facts.tried and facts.checked is not None:
        for right in ("call", "dtmf", "user"):
            if right not in facts.read and not (right == "dtmf" and facts.modules.get("app_senddtmf") is False):
                yield _right(f"read = {right}", expected.ami_user)
        if not facts.tagged:
            words = "events do not name the offer that they belong to: write channelvars = HOTLINE_OFFER into [general] of manager.conf."
            yield Gap("rights", words, False)


def _right(right: str, user: str) -> Gap:
    words = f"the AMI user {user} lacks {right}, or its eventfilter lines are not ours" if right.startswith("read") else ""
    words = words or f"the AMI user {user} lacks {right}"
    return Gap("rights", f"{words}: {WITHOUT_RIGHT[right]}. Give it read = call,dtmf,user and write = call,originate,reporting.", True)


def _modules(facts: Facts) -> Iterator[Gap]:
    for name in (*REQUIRED_MODULES, *CHECK_MODULES):
        if facts.modules.get(name) is False:
            without = WITHOUT_MODULE.get(name, "")
            words = f"the module {name}.so is not loaded{f': {without}' if without else ', and calls need it'}"
            yield Gap("modules", f"{words}. Take it out of noload, or add load = {name}.so, in modules.conf.", not without)
    if not facts.modules and "Getvar" in facts.actions:
        words = (
            "the module func_module.so is not loaded, so that nobody can see which others are: add load = func_module.so in modules.conf."
        )
        yield Gap("modules", words, False)


def _dialplan(facts: Facts, expected: Expected) -> Iterator[Gap]:
    missing = [name for name in CONTEXTS if facts.contexts is not None and name not in facts.contexts]
    if missing:
        yield Gap("dialplan", f"its dialplan has no context {', '.join(missing)}: add it to extensions.conf ({PRINT}).", True)
    if facts.checked is not None and facts.checked.stamp != expected.stamp:
        words = "its dialplan is of another version of Hotline or of other settings: paste extensions.conf anew"
        yield Gap("dialplan", f"{words} ({PRINT}).", False)


def _check(facts: Facts) -> Iterator[Gap]:
    if facts.tried and facts.checked is None:
        words = "the check call brought no answer: extensions.conf needs the context hotline-check"
        yield Gap("check", f"{words} ({PRINT}), and calls need the modules above.", True)


def _sounds(facts: Facts) -> Iterator[Gap]:
    if facts.checked is None or facts.modules.get("func_env") is False:
        return
    folders = dict.fromkeys(path.rpartition("/")[0] for path in facts.checked.unread)
    for folder in folders:
        words = f"Asterisk cannot read the prompts in {folder}: callers would hear nothing"
        todo = "Let the user that Asterisk runs as read that folder and go through those above it, under the same path on its machine"
        yield Gap("prompts", f"{words}. {todo} (XDG_CACHE_HOME moves the cache).", True)
    if facts.checked.music_ms < MUSIC_MS:
        words = "it has no music: callers would wait in silence. Give the class [default] of musiconhold.conf a folder with sound files."
        yield Gap("music", words, False)


def _features(facts: Facts) -> Iterator[Gap]:
    if facts.features is None:
        return
    blind, attended = facts.features.get("blindxfer", ""), facts.features.get("atxfer", "")
    lines = f"write blindxfer => ## and atxfer => *2 into [featuremap] of features.conf ({PRINT})"
    if blind == "#":
        yield Gap("features", f"a single # of an agent in a talk begins a transfer: {lines}.", False)
    if not attended:
        yield Gap("features", f"agents have no key for a transfer with a question before (*2): {lines}.", False)


def _phones(facts: Facts, expected: Expected) -> Iterator[Gap]:
    found = {name: facts.phones[name] for name in expected.phones if name in facts.phones}
    absent = [name for name, phone in found.items() if not phone.context]
    codeless = [name for name, phone in found.items() if phone.context and phone.codes is False]
    endless = [name for name, phone in found.items() if phone.context and phone.rtp_timeout == "0"]
    if absent:
        todo = "name them in agents.yaml as their endpoints are named, or add them (asterisk-config --phones prints them)"
        yield Gap("phones", f"pjsip.conf has no endpoint {_some(absent)}, which agents.yaml has as phones: {todo}.", False)
    if codeless:
        todo = "write include => hotline-agents into it"
        yield Gap("phones", f"the context of the phones {_some(codeless)} does not know *40 and the other feature codes: {todo}.", False)
    if endless:
        words = f"the phones {_some(endless)} have no rtp_timeout: one that loses power leaves its caller in silence for ever"
        yield Gap("phones", f"{words}; write rtp_timeout = 30 into their endpoints.", False)


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
