"""Who sees whether all is well while everything fails: reads every event and, after every step, what is committed."""

from collections import Counter
from typing import Any

from routing.domain.agent_state import TRANSITIONS, AgentState
from routing.domain.contact_state import ContactState
from routing.domain.events.agents import AgentChanged
from routing.domain.events.envelope import Event
from routing.store import codec
from routing.store.event_codec import event_from
from tests.unit.routing.fault_world import World

NEVER_IN = ("full", "no_agents", "overflowed", "closed", "failed")
LEAVING = {"contact_abandoned", "contact_timed_out", "contact_left", "contact_ended"}


class Witness:
    """`look` after every step, `stuck` at the end."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.open_offers: dict[str, str] = {}
        self.present: set[str] = set()
        self.done: set[str] = set()
        self.lived_twice: Counter[tuple[str, str]] = Counter()  # (how it came back, how it had ended)
        self.outcome: dict[str, str] = {}
        self.seen: Counter[str] = Counter()

    def look(self) -> None:
        for event in self._news():
            self.seen[event.type] += 1
            if event.contact and not event.type.startswith("agent"):
                self.world.note(" -", event.type, event.contact, event.agent, _said(event))
            elif event.agent or event.type.startswith(("server", "domain")):
                self.world.note(" -", event.type, event.agent or getattr(event.data, "server", ""), event.contact)
            self._offers(event)
            self._contacts(event)
            self._agents(event)
            if event.type == "domain_opened":
                for server in self.world.up():
                    self.world.report_again(server, all_lost=True)
        self._records()

    def forget(self) -> None:
        """The store lost everything: what was open is told anew, or is over."""
        self.open_offers.clear()
        self.present.clear()

    def _news(self) -> list[Event]:
        entries = self.world.shared.events.entries
        found = [event_from(text) for _, text in entries]
        entries.clear()
        return found

    def _offers(self, event: Event) -> None:
        offer = getattr(event.data, "offer", "")
        if event.type == "offer_made":
            assert offer not in self.open_offers, f"{offer} was made twice"
            self.open_offers[offer] = event.contact
        elif event.type == "contact_connected":
            self.open_offers.pop(offer, None)
        elif event.type.startswith("offer_") and event.type != "offer_ringing":
            assert self.open_offers.pop(offer, None) == event.contact, f"{event.type} of {offer}, which is not open"

    def _contacts(self, event: Event) -> None:
        contact = event.contact
        if event.type in ("contact_queued", "contact_requeued", "contact_restored"):
            assert contact not in self.present, f"{contact} joined twice"
            self.present.add(contact)
            if contact in self.done:
                self.lived_twice[event.type, self.outcome.get(contact, "")] += 1
        elif event.type in LEAVING and (contact in self.present or getattr(event.data, "outcome", "") not in NEVER_IN):
            assert contact in self.present, f"{contact} has a second outcome: {event.type} {event.data}"
            self.present.discard(contact)
            self.done.add(contact)
            self.outcome[contact] = getattr(event.data, "outcome", "talked")

    def _agents(self, event: Event) -> None:
        if not isinstance(event.data, AgentChanged) or event.data.before is None:
            return
        before, state = event.data.before, event.data.state
        found_again = event.type == "agent_connected" or (before == AgentState.LOGGED_OUT and state == AgentState.PAUSED)
        assert found_again or state in TRANSITIONS[before].values(), f"{event.agent} went from {before} to {state}"
        known = codec.agent_from(self.world.shared.agents[event.agent][1]) if event.agent in self.world.shared.agents else None
        if known:
            self.world.agents_told[event.agent] = known

    def _records(self) -> None:
        """No agent is in two contacts, and contact and agent agree about every offer."""
        shared = self.world.shared
        contacts = [codec.contact_from(text) for _, text in shared.contacts.values()]
        agents = {id: codec.agent_from(text) for id, (_, text) in shared.agents.items()}
        offers = [(agent, contact.id, offer) for contact in contacts for offer, agent in contact.offers.items()]
        assert max(Counter(agent for agent, _, _ in offers).values(), default=0) <= 1, f"booked twice: {offers}"
        held = {AgentState.RESERVED, AgentState.ON_CONTACT}
        believed = sorted((a.id, a.contact, a.offer) for a in agents.values() if a.state in held)
        assert sorted(offers) == believed, f"contacts say {sorted(offers)}, agents {believed}"
        expected = {ContactState.WAITING: None, ContactState.OFFERED: AgentState.RESERVED, ContactState.CONNECTED: AgentState.ON_CONTACT}
        for contact in contacts:
            states = {agents[agent].state for agent in contact.offers.values()}
            assert states == ({expected[contact.state]} - {None}), f"{contact.id} is {contact.state}, its agents {states}"


def stuck(world: World, witness: Witness) -> dict[str, Any]:
    """Whatever has not come to an end."""
    rest = {AgentState.READY, AgentState.PAUSED, AgentState.LOGGED_OUT}
    agents = {id: codec.agent_from(text) for id, (_, text) in world.shared.agents.items()}
    found: dict[str, Any] = {
        "agents": {agent.id: (agent.state, agent.contact) for agent in agents.values() if agent.state not in rest},
        "contacts": {id: text for id, (_, text) in world.shared.contacts.items()},
        "offers": dict(witness.open_offers),
        "callers": {caller.contact: caller for caller in world.callers.values() if not caller.over},
        "unheard": len(world.shared.inbox.after(world.shared.position, 500)),
    }
    return {what: which for what, which in found.items() if which}


def _said(event: Event) -> str:
    return str(getattr(event.data, "offer", "") or getattr(event.data, "outcome", ""))
