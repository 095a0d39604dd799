"""What follows from the agent's leg: one row per case that was measured on a real Asterisk, and who ended the talk after how long."""

import pytest

from agi.ami.events import (
    AttendedTransfer,
    BlindTransfer,
    BridgeEnter,
    BridgeLeave,
    DialBegin,
    DialEnd,
    DialState,
    Event,
    Hangup,
    HangupRequest,
    UserEvent,
)
from agi.leg import NO_AUDIO, Leg
from agi.outcome import LegFacts, judge, judge_reply

pytestmark = pytest.mark.unit

OUTCOMES = [
    ("486 busy", LegFacts(began=True, dial_status="BUSY", cause=17, sip_status=486), "busy"),
    ("603 decline", LegFacts(began=True, dial_status="NOANSWER", cause=21, sip_status=603), "declined"),
    ("603 decline after 180", LegFacts(began=True, rang=True, dial_status="NOANSWER", cause=21, sip_status=603), "declined"),
    ("480 do not disturb", LegFacts(began=True, dial_status="NOANSWER", cause=19, sip_status=480), "declined"),
    ("picked up, key 2", LegFacts(began=True, rang=True, screened=True, picked_up=True, dial_status="BUSY", cause=16), "declined"),
    ("hung up in the whisper", LegFacts(began=True, screened=True, picked_up=True, dial_status="ANSWER", cause=16), "declined"),
    ("took the call", LegFacts(began=True, screened=True, picked_up=True, connected=True, dial_status="ANSWER"), "answered"),
    (
        "the caller left in the whisper",
        LegFacts(began=True, screened=True, picked_up=True, caller_left=True, dial_status="BUSY"),
        "withdrawn",
    ),
    ("its time was over beside others", LegFacts(began=True, rang=True, timed_out=True, dial_status="NOANSWER", cause=16), "rang_out"),
    ("a silent external number", LegFacts(began=True, outside=True, dial_status="NOANSWER"), "rang_out"),
    ("302", LegFacts(began=True, dial_status="BUSY", cause=23, sip_status=302, redirected=True, redirected_to="1002"), "declined"),
    ("302, before Dial's own word", LegFacts(began=True, dial_status="CANCEL", redirected=True), "declined"),
    ("302, the caller left", LegFacts(began=True, dial_status="CANCEL", redirected=True, caller_left=True), "withdrawn"),
    ("200 without audio", LegFacts(began=True, rang=True, dial_status="BUSY", cause=16, no_audio=True), "failed"),
    ("404", LegFacts(began=True, dial_status="NOANSWER", cause=1, sip_status=404), "unreachable"),
    ("488", LegFacts(began=True, dial_status="NOANSWER", cause=58, sip_status=488), "failed"),
    ("500", LegFacts(began=True, dial_status="NOANSWER", cause=38, sip_status=500), "failed"),
    ("503", LegFacts(began=True, dial_status="CONGESTION", cause=34, sip_status=503), "unreachable"),
    ("rang, ring time over", LegFacts(began=True, rang=True, dial_status="NOANSWER"), "rang_out"),
    ("rang out, our CANCEL answered with 487", LegFacts(began=True, rang=True, dial_status="NOANSWER", sip_status=487), "rang_out"),
    ("rang out, marked answered elsewhere", LegFacts(began=True, rang=True, dial_status="NOANSWER", cause=26), "rang_out"),
    ("dead phone, whole ring time", LegFacts(began=True, dial_status="NOANSWER"), "unreachable"),
    ("dead phone, given up", LegFacts(began=True, dial_status="NOANSWER", cause=26, given_up=True), "unreachable"),
    ("unregistered", LegFacts(), "unreachable"),
    ("taken back", LegFacts(began=True, rang=True, dial_status="NOANSWER", cause=26, withdrawn=True), "withdrawn"),
    ("taken back before it rang", LegFacts(began=True, dial_status="NOANSWER", cause=26, withdrawn=True), "withdrawn"),
    ("caller hung up", LegFacts(began=True, rang=True, dial_status="CANCEL", cause=16, caller_left=True), "withdrawn"),
    ("caller redirected", LegFacts(began=True, rang=True, dial_status="CANCEL", cause=16), "withdrawn"),
    ("answered", LegFacts(began=True, rang=True, dial_status="ANSWER", cause=16), "answered"),
    ("answered while it was taken back", LegFacts(began=True, rang=True, dial_status="ANSWER", withdrawn=True), "withdrawn"),
    ("answered, lost power later", LegFacts(began=True, rang=True, dial_status="ANSWER", cause=44), "answered"),
    ("busy, no SIP status", LegFacts(began=True, dial_status="BUSY", cause=17), "busy"),
    ("declined, no SIP status", LegFacts(began=True, dial_status="NOANSWER", cause=21), "declined"),
    ("unknown status", LegFacts(began=True, dial_status="SOMETHING"), "failed"),
]


@pytest.mark.parametrize(("facts", "outcome"), [row[1:] for row in OUTCOMES], ids=[row[0] for row in OUTCOMES])
def test_the_legs_own_events_tell_the_outcome(facts: LegFacts, outcome: str) -> None:
    """Each measured case has its own outcome: decline, do not disturb, rang out and dead phone are all NOANSWER to Dial."""
    assert judge(facts) == outcome


@pytest.mark.parametrize(
    ("named", "kept"), [("1002", "1002"), ("+8613800138000", "+8613800138000"), ("*41", "*41"), ("a\r\nEvent: Hangup", ""), ("9" * 65, "")]
)
def test_a_phone_that_names_another_number_has_declined(named: str, kept: str) -> None:
    """Asterisk tells the number first and then that the phone was busy; what could not be dialled is not kept."""
    leg = Leg(CALLER)
    leg.take(DialBegin(CALLER, "PJSIP/trunk-1", AGENT, "PJSIP/1001-2"), 0)
    leg.take(DialEnd(CALLER, AGENT, "CANCEL", forward=named), 2)
    leg.take(DialEnd(CALLER, AGENT, "BUSY"), 2)
    leg.take(Hangup(AGENT, "PJSIP/1001-2", "23", "302"), 3)
    assert (judge(leg.facts), leg.facts.refusal, leg.facts.redirected_to) == ("declined", "redirected", kept)


def test_a_phone_that_picks_up_without_audio_has_failed() -> None:
    """A 200 without SDP: the dialplan says so and connects nobody, so there was no answer."""
    leg = Leg(CALLER)
    leg.take(DialBegin(CALLER, "PJSIP/trunk-1", AGENT, "PJSIP/1001-2"), 0)
    leg.take(UserEvent(AGENT, NO_AUDIO), 200)
    leg.take(DialEnd(CALLER, AGENT, "BUSY"), 200)
    leg.take(Hangup(AGENT, "PJSIP/1001-2", "16"), 201)
    assert (leg.answered, judge(leg.facts), leg.facts.refusal) == (False, "failed", "no_audio")


@pytest.mark.parametrize(
    ("dialstatus", "cause", "outcome"),
    [
        ("BUSY", 17, "busy"),
        ("CHANUNAVAIL", 21, "declined"),
        ("NOANSWER", 19, "declined"),
        ("CHANUNAVAIL", 1, "unreachable"),
        ("CHANUNAVAIL", 58, "failed"),
        ("CONGESTION", 34, "unreachable"),
        ("NOANSWER", 0, "rang_out"),
        ("CHANUNAVAIL", 3, "unreachable"),
        ("CANCEL", 0, "withdrawn"),
        ("ANSWER", 16, "answered"),
        ("ANSWER", 17, "answered"),
        ("", 0, "failed"),
    ],
)
def test_without_events_the_callers_variables_serve(dialstatus: str, cause: int, outcome: str) -> None:
    """When AMI was away, DIALSTATUS and HANGUPCAUSE tell as much as they can."""
    assert judge_reply(dialstatus, cause, withdrawn=False) == outcome


def test_without_events_an_offer_taken_back_is_withdrawn_unless_answered() -> None:
    """We know what we did; an answer was faster."""
    assert judge_reply("CHANUNAVAIL", 26, withdrawn=True) == "withdrawn"
    assert judge_reply("ANSWER", 16, withdrawn=True) == "answered"


CALLER, AGENT = "1.1", "1.2"
TALK: list[tuple[int, Event]] = [
    (0, DialBegin(CALLER, "PJSIP/trunk-1", AGENT, "PJSIP/1001-2")),
    (100, DialState(CALLER, AGENT, "RINGING")),
    (3000, DialEnd(CALLER, AGENT, "ANSWER")),
    (3001, BridgeEnter(AGENT, "b")),
    (3002, BridgeEnter(CALLER, "b")),
]


def recorded(*more: tuple[int, Event]) -> Leg:
    leg = Leg(CALLER)
    for at_ms, event in [*TALK, *more]:
        leg.take(event, at_ms)
    return leg


@pytest.mark.parametrize(
    ("ending", "ended_by"),
    [
        ([HangupRequest(AGENT), BridgeLeave(AGENT, "b"), Hangup(AGENT, "x", "16")], "agent"),
        ([HangupRequest(AGENT), HangupRequest(CALLER), BridgeLeave(AGENT, "b"), Hangup(AGENT, "x", "16")], "agent"),
        ([HangupRequest(CALLER), BridgeLeave(CALLER, "b"), BridgeLeave(AGENT, "b"), Hangup(AGENT, "x", "16")], "caller"),
        ([BridgeLeave(AGENT, "b"), Hangup(AGENT, "x", "44")], "system"),
        ([BlindTransfer(AGENT, CALLER, "Success"), BridgeLeave(CALLER, "b"), HangupRequest(AGENT), Hangup(AGENT, "x", "16")], "transfer"),
        ([HangupRequest(AGENT), BlindTransfer(AGENT, CALLER, "Success"), BridgeLeave(CALLER, "b"), Hangup(AGENT, "x", "16")], "transfer"),
        ([BlindTransfer(AGENT, CALLER, "Fail"), HangupRequest(AGENT), BridgeLeave(CALLER, "b"), Hangup(AGENT, "x", "16")], "agent"),
        ([AttendedTransfer(AGENT, "1.3", CALLER, "Success"), BridgeLeave(AGENT, "b"), Hangup(AGENT, "x", "16")], "transfer"),
        ([AttendedTransfer("1.3", AGENT, CALLER, "Success"), BridgeLeave(AGENT, "b"), Hangup(AGENT, "x", "16")], "transfer"),
        ([BlindTransfer("9.9", "9.8", "Success"), HangupRequest("9.9"), BridgeLeave(AGENT, "b"), Hangup(AGENT, "x", "16")], "system"),
    ],
)
def test_who_ended_the_talk(ending: list[Event], ended_by: str) -> None:
    """The first who hung up ended it, a transfer counts as one in any order, and without either it was the system."""
    leg = recorded(*[(10_000, event) for event in ending])

    assert (leg.ended_by, leg.talk_ms(99_999), leg.complete, judge(leg.facts)) == (ended_by, 6998, True, "answered")


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        ([BridgeLeave(AGENT, "b"), BridgeLeave(CALLER, "b"), Hangup(AGENT, "x", "44")], "no_audio_from_agent"),
        ([BridgeLeave(CALLER, "b"), BridgeLeave(AGENT, "b"), Hangup(AGENT, "x", "16"), Hangup(CALLER, "c", "44")], "no_audio_from_caller"),
        ([BridgeLeave(AGENT, "b"), Hangup(AGENT, "x", "44"), Hangup(CALLER, "c", "44")], "no_audio_from_agent"),
        ([HangupRequest(AGENT), BridgeLeave(AGENT, "b"), Hangup(AGENT, "x", "44")], ""),
        ([HangupRequest(CALLER), BridgeLeave(CALLER, "b"), Hangup(AGENT, "x", "16"), Hangup(CALLER, "c", "44")], ""),
        ([BlindTransfer(AGENT, CALLER, "Success"), BridgeLeave(CALLER, "b"), Hangup(AGENT, "x", "44")], ""),
        ([BridgeLeave(AGENT, "b"), Hangup(AGENT, "x", "16"), Hangup(CALLER, "c", "16")], ""),
    ],
)
def test_why_the_system_ended_the_talk(ending: list[Event], reason: str) -> None:
    """Asterisk ends a channel of which nothing is heard with cause 44, as measured; whoever hangs up may give any cause."""
    assert recorded(*[(10_000, event) for event in ending]).end_reason == reason


def test_talk_is_from_the_second_leg_to_the_first_leave() -> None:
    """Later bridges (the caller passed on to somebody else) do not count."""
    leg = recorded((5000, BridgeLeave(AGENT, "b")), (5001, BridgeEnter(CALLER, "c")), (9000, BridgeLeave(CALLER, "c")))

    assert leg.talk_ms(99_999) == 1998


def test_an_answer_without_a_talk() -> None:
    """A caller who hangs up in the moment of the answer: answered, nobody talked."""
    leg = Leg(CALLER)
    for event in (DialBegin(CALLER, "c", AGENT, "a"), DialEnd(CALLER, AGENT, "ANSWER"), HangupRequest(CALLER), Hangup(AGENT, "a", "16")):
        leg.take(event, 1)

    assert (judge(leg.facts), leg.talk_ms(5), leg.ended_by) == ("answered", 0, "caller")


def test_others_and_nonsense_change_nothing() -> None:
    """Events of other legs, a second DialBegin and unreadable causes leave the facts alone."""
    leg = Leg(CALLER)
    leg.take(HangupRequest(""), 0)
    leg.take(BridgeEnter("", "b"), 0)
    leg.take(DialBegin(CALLER, "c", AGENT, "a"), 0)
    leg.take(DialBegin(CALLER, "c", "1.9", "other"), 0)
    leg.take(DialState(CALLER, "1.9", "RINGING"), 0)
    leg.take(DialEnd("8.8", "8.9", "ANSWER"), 0)

    assert (leg.uniqueid, leg.channel, leg.facts) == (AGENT, "a", LegFacts(began=True))
    leg.take(Hangup(AGENT, "a", "many", "SIP what"), 0)
    assert (leg.facts.cause, leg.facts.sip_status, leg.over) == (0, 0, True)


def test_an_answer_stays_an_answer() -> None:
    """A DialEnd that comes twice, with another word, does not undo the first."""
    assert judge(recorded((4000, DialEnd(CALLER, AGENT, "NOANSWER"))).facts) == "answered"
    assert recorded((4000, DialEnd(CALLER, AGENT, "ANSWER"))).answered_ms == 3000


@pytest.mark.parametrize("tech_cause", ["603", "SIP 603 Decline", "SIP;cause=603"])
def test_the_sip_status_is_found_in_its_words(tech_cause: str) -> None:
    """Whatever stands around it."""
    leg = Leg(CALLER)
    leg.take(DialBegin(CALLER, "c", AGENT, "a"), 0)
    leg.take(Hangup(AGENT, "a", "21", tech_cause), 0)

    assert leg.facts.sip_status == 603


def test_a_leg_found_after_a_reconnect() -> None:
    """A leg that is up was answered and talks from now on; a ringing one rang."""
    up, ringing = Leg(CALLER), Leg(CALLER)

    up.adopt(AGENT, "PJSIP/1001-2", "Up", 500)
    ringing.adopt(AGENT, "PJSIP/1001-2", "Ringing", 500)

    assert (up.answered_ms, up.talk_ms(700), ringing.answered, ringing.facts.rang) == (500, 200, False, True)
