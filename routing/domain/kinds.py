"""The kinds of contacts, and how many an agent can have in hand: the one question of matching, `can_take`."""

from collections.abc import Mapping
from dataclasses import dataclass

from routing.domain.agent import Agent
from routing.domain.agent_state import AgentPresence
from routing.domain.contact_facts import CALLBACK, CHAT, TASK, VOICE
from routing.domain.model import AgentProfile, Directory


@dataclass(frozen=True, slots=True)
class Kind:
    """`is_held`: a server has the customer while they wait. `by_phone`: the agent's phone rings for it."""

    is_held: bool = False
    by_phone: bool = False


KINDS: Mapping[str, Kind] = {VOICE: Kind(is_held=True, by_phone=True), CALLBACK: Kind(by_phone=True), CHAT: Kind(), TASK: Kind()}


def holder_of(kind: str, server: str) -> str | None:
    """The server that has a contact of that kind that this server reported; None: none, until an offer of it is carried out."""
    return server if KINDS[kind].is_held else None


def is_reached(agent: Agent, kind: str) -> bool:
    """Whether an offer of that kind would reach the agent now: the phone is free, or the medium has not said that they are gone."""
    return agent.phone_state == "available" if KINDS[kind].by_phone else kind not in agent.unreached


def is_to_be_reached(agent: Agent, kind: str) -> bool:
    """Whether an offer of that kind could reach the agent soon: a phone that is in use counts, one that is gone does not."""
    return agent.phone_state != "unavailable" if KINDS[kind].by_phone else kind not in agent.unreached


def is_counted_on(agent: Agent, profile: AgentProfile) -> bool:
    """The same for any kind that the agent takes."""
    for kind in profile.capacity:  # noqa: SIM110 - a generator would take twice as long
        if is_to_be_reached(agent, kind):
            return True
    return False


def can_take(agent: Agent, kind: str, directory: Directory) -> bool:
    """Whether the agent can be offered a contact of that kind now: ready, not about to leave, reached, with capacity for one more of it,
    and everything of other kinds that they have in hand may be interrupted by it."""
    capacity = directory.agents[agent.id].capacity.get(kind, 0)
    if agent.presence != AgentPresence.READY or agent.requested or not capacity or not is_reached(agent, kind):
        return False
    if not agent.assignments:
        return True
    in_hand = [assignment.kind for assignment in agent.assignments.values()]
    yields = directory.interrupts.get(kind, frozenset())
    return in_hand.count(kind) < capacity and all(other == kind or other in yields for other in in_hand)


def takes(agent: Agent, directory: Directory) -> tuple[str, ...]:
    """The kinds that the agent can be offered now."""
    if agent.presence != AgentPresence.READY or agent.requested:
        return ()
    return tuple([kind for kind in directory.agents[agent.id].capacity if can_take(agent, kind, directory)])
