"""What people noticed of a fault, as counts that should be zero. Pure but for the recordings that it listens to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from simulator.bench.faults.crowd import HEARD_IN, Crowd, Person
from simulator.bench.faults.site import DIGITS, JOINING, MENU, SLOW_SPEECH_S, WAITING
from simulator.books import loose_ends, written_twice
from simulator.feed import Event

MOST_SILENT_S = 2.5  # the menu's own pause of a second, and as long again for a prompt to begin


@dataclass(slots=True)
class Verdict:
    """Sentences by kind: `lost` calls cut off, `wrong` orders, numbers and doubled events, `silent` callers, `stuck` calls and agents."""

    name: str
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    longest_silence_s: float = 0.0

    def counts(self) -> dict[str, int]:
        return {"lost": len(self.lost), "wrong": len(self.wrong), "silent": len(self.silent), "stuck": len(self.stuck)}

    @property
    def sentences(self) -> list[str]:
        return [f"{self.name}: {sentence}" for kind in (self.lost, self.wrong, self.silent, self.stuck) for sentence in kind]


def hear(verdict: Verdict, people: Sequence[Person], until_s: float) -> None:
    """Note who heard nothing for too long, up to a loop time."""
    for person in people:
        if person.dialled in HEARD_IN:
            silence_s = person.silence_s(until_s)
            verdict.longest_silence_s = max(verdict.longest_silence_s, silence_s)
            if silence_s > MOST_SILENT_S:
                verdict.silent.append(f"caller of {person.dialled} heard nothing for {silence_s:.1f} s")


def see_who_is_gone(verdict: Verdict, people: Sequence[Person], events: Sequence[Event], *, ends_calls: bool) -> None:
    """Note whose call was cut; where the calls cannot go on, whose end was not written exactly once."""
    for person in people:
        ends = [event for event in events if event["type"] == "call_ended" and event["call"] == person.id]
        if ends_calls:
            if len(ends) != 1:
                verdict.lost.append(f"the end of {person.id} was written {len(ends)} times")
        elif not person.is_up and not _was_served(person, events):
            verdict.lost.append(f"the call of {person.dialled} was cut ({person.id})")


def check_orders(verdict: Verdict, crowd: Crowd, events: Sequence[Event]) -> None:
    """Note who was served before somebody who came earlier, and whose number was taken for another."""
    joined = [person.id for person in crowd.of(WAITING)]
    offered = [event["call"] for event in events if event["type"] == "offer_made" and event["call"] in joined]
    first_time = list(dict.fromkeys(offered))
    if first_time != [call for call in joined if call in first_time]:
        verdict.wrong.append(f"callers were offered in the order {[joined.index(call) + 1 for call in first_time]}")
    asked = list(crowd.backend.asked)
    for person in crowd.of(DIGITS):
        number = crowd.number_of(person)
        if number not in asked:
            verdict.wrong.append(f"the caller who keyed {number} was not looked up by it")
    known = {crowd.number_of(person) for person in crowd.of(DIGITS)}
    verdict.wrong.extend(f"{number} was looked up, which nobody keyed" for number in asked if number not in known)
    verdict.wrong.extend(f"event {id} stands twice in the log" for id in written_twice(events))


def check_rings(verdict: Verdict, crowd: Crowd, events: Sequence[Event], logged_in_ms: int) -> None:
    """Note who was connected only when an announcement had been rendered."""
    connected = {event["call"]: event["at_ms"] for event in events if event["type"] == "contact_connected"}
    for person in crowd.of(JOINING):
        took_ms = connected.get(person.id, 10**15) - logged_in_ms
        if took_ms > 1000 * SLOW_SPEECH_S / 2:
            verdict.wrong.append(f"a caller was connected {took_ms / 1000:.1f} s after the agent was there")


def check_ends(verdict: Verdict, events: Sequence[Event], agents: Mapping[str, str]) -> None:
    """Note what never came to an end, and agents who are not ready though nobody is left."""
    verdict.stuck.extend(loose_ends(events))
    verdict.stuck.extend(f"agent {agent} is {state}" for agent, state in agents.items() if state != "ready")


def _was_served(person: Person, events: Sequence[Event]) -> bool:
    """Whether the call came to its proper end: an agent had it, or the menu was left by key."""
    if person.dialled == MENU:
        return person.released
    return any(event["type"] == "contact_ended" and event["call"] == person.id for event in events)
