"""What the HTTP interface says about queues, agents and calls, as plain data: pure functions of the read model and the time.

Words as in docs/glossary.md. Moments and durations are milliseconds, their names end in _ms; callers' numbers are masked always.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from ivr.numbers import masked, normalise
from routing.domain.agent import Agent
from routing.domain.agent_state import AgentPresence, AgentState
from routing.domain.assignment import Assignment, AssignmentState
from routing.domain.contact_state import ContactState
from routing.domain.events.calls import CallTransferred, at_server
from routing.domain.events.envelope import Event
from routing.domain.events.flows import NodeEntered
from routing.domain.model import Contact, Directory, PauseKind
from routing.domain.phone_address import phone_text
from routing.domain.service_level import FORMULAS, WINDOW_MS
from routing.read_model.view import ANY_AGENT, View
from server.http.renamed import with_earlier_names


def masked_caller(ani: str, country: str) -> str:
    """A caller's number for eyes: the country and the last four digits, or what kind of number it is."""
    return masked(normalise(ani, country))


def queue(view: View, name: str, now_ms: int) -> dict[str, Any]:
    """A queue at a glance. `free_agents` are ready, with a phone that can ring."""
    policy = view.directory.queues[name]
    waiting = view.waiting(name)
    members = view.members(name)
    states = Counter(agent.state for agent in members)
    return {
        "name": name,
        "names": dict(policy.names),
        "strategy": policy.strategy,
        "waiting": len(waiting),
        "max_waiting": policy.max_waiting,
        "longest_wait_ms": max((now_ms - contact.enqueued_at_ms for contact in waiting), default=0),
        "expected_wait_ms": view.expected_wait_ms(name, ANY_AGENT, now_ms),
        "agents": {state.value: states[state] for state in AgentState},
        "paused": paused(view, members),
        "free_agents": sum(1 for agent in members if agent.state == AgentState.READY and agent.phone_state == "available"),
        "service_level": service_level(view, name, now_ms),
        "totals": dict(view.totals[name]),
    }


def paused(view: View, members: Iterable[Agent]) -> dict[PauseKind, int]:
    """How many of these agents are on a break, and how many not ready."""
    kinds = Counter(view.directory.pause_kind(agent.reason) for agent in members if agent.presence == AgentPresence.PAUSED)
    return {"break": kinds["break"], "not_ready": kinds["not_ready"]}


def service_level(view: View, name: str, now_ms: int) -> dict[str, Any]:
    """A queue's service level by the formula in force, which is named, and by the others; `counts` are what all are made of."""
    policy = view.directory.queues[name]
    levels = view.service_levels(name, now_ms)
    return {
        "percent": levels[policy.formula],
        "target_percent": policy.target,
        "formula": policy.formula,
        "definition": FORMULAS[policy.formula].words,
        "threshold_ms": policy.threshold_ms,
        "short_abandon_ms": policy.short_abandon_ms,
        "window_ms": WINDOW_MS,
        "counts": asdict(view.tally(name, now_ms)),
        "by_formula": dict(levels),
    }


def queue_in_full(view: View, name: str, country: str, now_ms: int) -> dict[str, Any]:
    """A queue with everyone who waits in it, in order."""
    waiting = view.waiting(name)
    contacts = [waiting_contact(view, contact, position, country, now_ms) for position, contact in enumerate(waiting, 1)]
    members = [{"id": agent.id, "state": agent.state.value, "phone_state": agent.phone_state} for agent in view.members(name)]
    return {
        **queue(view, name, now_ms),
        "dispositions": dict(view.directory.queues[name].dispositions),
        "members": members,
        "contacts": contacts,
    }


def contact(view: View, found: Contact, country: str, now_ms: int, *, data: bool = False) -> dict[str, Any]:
    """A contact that waits or is connected: `position` is 0 and `talk_ms` runs once an agent has answered. With `data`: what the flow
    hands the agent."""
    connected = found.state == ContactState.CONNECTED
    waited_ms = max(0, found.waited_ms(found.connected_at_ms if connected else now_ms))
    fields = {
        **waiting_contact(view, found, view.position(found.id), country, now_ms),
        "queue": found.queue,
        "waited_ms": waited_ms,
        "agent": found.agent if connected else "",
        "talk_ms": now_ms - found.connected_at_ms if connected else 0,
        **({"data": dict(found.facts.data)} if data else {}),
    }
    return with_earlier_names(fields)


def waiting_contact(view: View, contact: Contact, position: int, country: str, now_ms: int) -> dict[str, Any]:
    """Someone who waits; `requirement` is what is asked of an agent now, after the time waited so far.

    `position` is the place in the queue, `place` the one among those who compete for the same agents; `expected_wait_ms` is null
    when nothing is known. The last two are what is announced to the caller.
    """
    wait_forecast = view.wait_forecast(contact.id, now_ms)
    return {
        "id": contact.id,
        "call": contact.facts.call,
        "kind": contact.kind,
        "held_up": contact.held_up,
        "position": position,
        "place": wait_forecast.position,
        "expected_wait_ms": wait_forecast.expected_wait_ms,
        "state": contact.state.value,
        "waited_ms": max(0, contact.waited_ms(now_ms)),
        "enqueued_at_ms": contact.enqueued_at_ms,
        "priority": contact.priority,
        "place_ms": contact.place_ms,
        "requirement": contact.steps[contact.step(now_ms)][1] if contact.steps else "",
        "offered_to": sorted(contact.offers.values()),
        "ani": masked_caller(contact.facts.ani, country),
        "language": contact.facts.language,
    }


def agent(view: View, found: Agent, country: str, now_ms: int, *, data: bool = False) -> dict[str, Any]:
    """An agent; `contact` is null without one, with `data` it has what the flow hands the agent. `until_ms`: when a wrap-up ends or a
    break should. `dispositions` may be given now."""
    profile = view.directory.agents[found.id]
    contact, after = view.contacts.get(found.contact), view.directory.queues.get(found.last_queue)
    return {
        "id": found.id,
        "name": profile.name,
        "team": profile.team_at(now_ms),
        "state": found.state.value,
        "presence": found.presence.value,
        "reason": found.reason,
        "pause": view.directory.pause_kind(found.reason) if found.presence == AgentPresence.PAUSED else None,
        "since_ms": found.since_ms,
        "in_state_ms": now_ms - found.since_ms if found.since_ms else 0,
        "until_ms": found.until_ms if found.state in (AgentState.WRAP_UP, AgentState.PAUSED) else 0,
        "phone": phone_text(found.phone or profile.phone),
        "phone_state": found.phone_state,
        "queues": list(profile.queues),
        "left_queues": list(found.left_queues),
        "memberships": {queue: asdict(profile.membership(queue)) for queue in profile.queues},
        "skills": dict(profile.skills),
        "attributes": dict(profile.attributes),
        "last_contact": found.last_contact,
        "dispositions": dict(after.dispositions) if found.last_contact and after else {},
        "contact": _held(contact, country, data=data) if contact else None,
        "capacity": dict(profile.capacity),
        "assignments": [_assignment(offer, known, now_ms) for offer, known in found.assignments.items()],
    }


def _assignment(offer: str, known: Assignment, now_ms: int) -> dict[str, Any]:
    """One contact in an agent's hands: `state` is offered, dialling, connected or wrap_up."""
    return {
        "offer": offer,
        "contact": known.contact,
        "queue": known.queue,
        "kind": known.kind,
        "state": known.state.value,
        "in_state_ms": now_ms - known.since_ms,
        "until_ms": known.until_ms if known.state == AssignmentState.WRAP_UP else 0,
        "disposition": known.disposition,
    }


def teams(directory: Directory, now_ms: int) -> list[dict[str, Any]]:
    """Every team of the site, with the agents who are in it now."""
    members: dict[str, list[str]] = {name: [] for name in directory.teams}
    for agent in directory.agents.values():
        members.setdefault(agent.team_at(now_ms), []).append(agent.id)
    return [
        {"name": team.id, "names": dict(team.names), "leaders": list(team.leaders), "agents": members[team.id]}
        for team in directory.teams.values()
    ]


def _held(contact: Contact, country: str, *, data: bool) -> dict[str, Any]:
    caller = {"ani": masked_caller(contact.facts.ani, country), "language": contact.facts.language}
    shown = {"data": dict(contact.facts.data)} if data else {}
    return {"id": contact.id, "call": contact.facts.call, "queue": contact.queue, **caller, **shown}


def calls(view: View, now_ms: int) -> list[dict[str, Any]]:
    """Every open call of every server, the oldest first, as the event log has it."""
    rows = [call(event, view.places.get(event.call), contact, now_ms) for event, contact in view.calls_with_contacts()]
    return sorted(rows, key=lambda row: (row["started_at_ms"], row["id"]))


def call(event: Event, place: Event | None, contact: Contact | None, now_ms: int) -> dict[str, Any]:
    """An open call, by its last event and the last one that says where in a flow it is: whom the caller waits for or talks to.

    `server` has it, or had it when it was heard of last. Empty text where a field does not apply.
    """
    here, known, node = place or event, at_server(event), place.data if place and isinstance(place.data, NodeEntered) else None
    fields = {
        "id": event.call,
        "ani": known.ani,
        "dnis": known.dnis,
        "language": contact.facts.language if contact else (node or known).language,
        "stage": _stage(event, place, contact),
        "flow": here.flow,
        "node": here.node,
        "queue": contact.queue if contact else "",
        "agent": contact.agent if contact else "",
        "contact": contact.id if contact else "",
        "started_at_ms": known.started_at_ms,
        "duration_ms": now_ms - known.started_at_ms,
        "server": known.server,
    }
    return with_earlier_names(fields)


def _stage(event: Event, place: Event | None, contact: Contact | None) -> str:
    if contact:
        return "talking" if contact.state == ContactState.CONNECTED else "waiting"
    if place:
        return "transferred" if isinstance(place.data, NodeEntered) and place.data.node_type == "transfer" else "in_flow"
    if isinstance(event.data, CallTransferred):
        return "transferred"
    return "in_flow" if event.node else "arrived"
