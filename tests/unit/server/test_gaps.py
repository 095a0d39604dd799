"""What an Asterisk lacks, worked out of what was found there: each gap alone, in words that say what to do."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from server.asterisk.modules import CHECK_MODULES, REQUIRED_MODULES
from server.external.gaps import ACTIONS, CONTEXTS, Checked, Expected, Facts, PhoneFound, find_gaps

pytestmark = pytest.mark.unit

WANTED = Expected("abcd1234", "hotline", ("1001",), ("/cache/tone.wav",))
COMPLETE = Facts(
    version="22.10.1",
    actions=frozenset(ACTIONS),
    modules=dict.fromkeys((*REQUIRED_MODULES, *CHECK_MODULES), True),
    contexts=frozenset(CONTEXTS),
    features={"blindxfer": "##", "atxfer": "*2"},
    tried=True,
    read=frozenset({"call", "dtmf", "user"}),
    checked=Checked("abcd1234", 1000.0),
    phones={"1001": PhoneFound("office", True, "30")},
)


def without(module: str) -> Facts:
    return replace(COMPLETE, modules={**COMPLETE.modules, module: False})


def only(*rights: str) -> frozenset[str]:
    return frozenset(action for action, (right, _) in ACTIONS.items() if right in rights)


def test_nothing_is_missing() -> None:
    assert find_gaps(COMPLETE, WANTED) == []


@pytest.mark.parametrize("version", ["20.9.3", "certified/20.7-cert2", "certified-20.7", "GIT-master-1a2b3c", ""])
def test_a_version_that_is_new_enough_or_unknown_is_no_gap(version: str) -> None:
    assert find_gaps(replace(COMPLETE, version=version), WANTED) == []


@pytest.mark.parametrize(
    ("facts", "about", "dangerous", "words"),
    [
        (replace(COMPLETE, version="18.20.0"), "version", True, "Asterisk 18.20.0"),
        (replace(COMPLETE, version="certified/18.9-cert4"), "version", True, "20 or newer"),
        (replace(COMPLETE, actions=only("call", "originate")), "rights", True, "lacks write = reporting"),
        (replace(COMPLETE, read=frozenset({"dtmf", "user"})), "rights", True, "lacks read = call"),
        (replace(COMPLETE, read=frozenset({"call", "user"})), "rights", True, "lacks read = dtmf"),
        (replace(COMPLETE, read=frozenset({"call", "dtmf"})), "rights", True, "lacks read = user"),
        (replace(COMPLETE, tagged=False), "rights", False, "channelvars = HOTLINE_OFFER"),
        (without("res_manager_devicestate"), "modules", True, "res_manager_devicestate.so is not loaded"),
        (without("app_stack"), "modules", True, "noload"),
        (without("app_mixmonitor"), "modules", False, "nothing can be recorded"),
        (replace(COMPLETE, modules={}), "modules", False, "func_module.so is not loaded"),
        (replace(COMPLETE, contexts=frozenset(CONTEXTS) - {"hotline-transfer"}), "dialplan", True, "no context hotline-transfer"),
        (replace(COMPLETE, checked=Checked("other", 1000.0)), "dialplan", False, "another version"),
        (replace(COMPLETE, checked=None), "check", True, "hotline-check"),
        (
            replace(COMPLETE, checked=Checked("abcd1234", 1000.0, ("/cache/tone.wav",))),
            "prompts",
            True,
            "cannot read the prompts in /cache",
        ),
        (replace(COMPLETE, checked=Checked("abcd1234", 3.0)), "music", False, "musiconhold.conf"),
        (replace(COMPLETE, features={"blindxfer": "#", "atxfer": "*2"}), "features", False, "a single #"),
        (replace(COMPLETE, features={"blindxfer": "##", "atxfer": ""}), "features", False, "atxfer => *2"),
        (replace(COMPLETE, phones={"1001": PhoneFound()}), "phones", False, "no endpoint 1001"),
        (replace(COMPLETE, phones={"1001": PhoneFound("office", False, "30")}), "phones", False, "include => hotline-agents"),
        (replace(COMPLETE, phones={"1001": PhoneFound("office", True, "0")}), "phones", False, "rtp_timeout"),
    ],
)
def test_each_gap_alone(facts: Facts, about: str, dangerous: bool, words: str) -> None:
    """One thing that is missing is one sentence, and no other follows from it."""
    (gap,) = find_gaps(facts, WANTED)

    assert (gap.about, gap.dangerous) == (about, dangerous)
    assert words in gap.words
    assert gap.words.endswith(".")


def test_without_rights_nothing_is_said_of_what_could_not_be_asked() -> None:
    """An AMI user with write = reporting alone: the two rights, and not fifty modules that nobody could see."""
    facts = Facts(version="22.1.0", actions=only("reporting"), contexts=frozenset(CONTEXTS))

    assert [gap.words.split(":")[0] for gap in find_gaps(facts, WANTED)] == [
        "the AMI user hotline lacks write = call",
        "the AMI user hotline lacks write = originate",
    ]


@pytest.mark.parametrize("fault", [lambda facts: replace(facts, tagged=False, read=frozenset())])
def test_the_dangerous_ones_come_first(fault: Callable[[Facts], Facts]) -> None:
    assert [gap.dangerous for gap in find_gaps(fault(COMPLETE), WANTED)] == [True, True, True, False]
