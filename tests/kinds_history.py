"""Random histories of contacts of several kinds: callers, callbacks, chats and tasks, for agents who can have several in hand, with servers
that come and go; and what must hold after any of them."""

from collections import Counter
from dataclasses import replace

from hypothesis import strategies as st

from routing.domain.agent import Agent
from routing.domain.agent_state import AgentPresence, state_of
from routing.domain.assignment import AssignmentState
from routing.domain.contact_facts import CALLBACK, CHAT, TASK, VOICE
from routing.domain.contact_state import ContactState
from routing.domain.current_directory import CurrentDirectory
from routing.domain.kinds import KINDS
from routing.domain.messages import (
    CustomerNotReached,
    OfferAccepted,
    OfferAnswered,
    OfferEnded,
    PhoneReported,
    ReachReported,
    ServerAlive,
    ServerLeft,
    TalkEnded,
)
from routing.domain.model import AgentProfile, Contact, Directory, QueuePolicy
from routing.domain.outcomes import OfferOutcome
from routing.domain.phone_address import phone_of
from routing.domain.requirement import parse
from routing.read_model.view import View
from tests.routing_house import House, arrival, directory, person

ALL_KINDS = (VOICE, CALLBACK, CHAT, TASK)
QUEUES = (
    QueuePolicy("support", max_wait_ms=60_007, refusal_ms=5_003, wrap_up_ms=3_001),
    QueuePolicy("desk", strategy="fewest_contacts", max_wait_ms=90_007, refusal_ms=2_003, wrap_up_ms=0, tier_delays_ms=(0, 4_001)),
)
OFFER_STATES = {
    ContactState.OFFERED: AssignmentState.OFFERED,
    ContactState.DIALLING: AssignmentState.DIALLING,
    ContactState.CONNECTED: AssignmentState.CONNECTED,
}
REFUSALS: tuple[OfferOutcome, ...] = ("declined", "busy", "rang_out", "unreachable", "failed")
WORDS = (
    "call", "arrive", "arrive", "arrive", "schedule", "answer", "answer", "answer", "accept", "accept", "not_reached", "refuse", "finish",
    "finish", "finish", "leave", "wait", "wait", "log_in", "log_out", "pause", "resume", "end_wrap_up", "phone", "reach", "server",
    "prioritise", "move",
)  # fmt: skip
history = st.lists(st.tuples(st.sampled_from(WORDS), st.integers(0, 11), st.integers(0, 11)), min_size=10, max_size=60)


def site(many: int) -> Directory:
    """Three agents: for everything, for calls, and for what is written; who takes chats takes `many` at once."""
    everything = {VOICE: 1, CALLBACK: 1, CHAT: many, TASK: many}
    return directory(
        _with(person("anna", billing=3), everything),
        _with(person("li", billing=1), {VOICE: 1, CALLBACK: 1}),
        _with(person("zoe"), {CHAT: many, TASK: 1}),
        queues=QUEUES,
    )


def _with(profile: AgentProfile, capacity: dict[str, int]) -> AgentProfile:
    return replace(profile, capacity=capacity)


class KindsHouse(House):
    """A house with a view that follows its events, and servers `node` and `other` that can carry everything out."""

    def __init__(self, many: int) -> None:
        super().__init__(site(many))
        self.view = View(CurrentDirectory(self.site))
        self.view.start((), ())
        self._seen = 0
        self.here = {"node", "other"}
        self.alive("node", "other")
        self.start_work()
        self.wait(2_500)  # until every server would have been heard of

    def alive(self, *servers: str) -> None:
        for server in servers:
            self.say(ServerAlive(server, f"{server}:4573", "", [CALLBACK, CHAT, TASK], ["north"] if server == "node" else []))

    def wait(self, ms: int) -> None:
        """As before; the servers that are here say so."""
        end = self.now + ms
        while self.now < end:
            self.now = min(end, self.now + 500)
            self.alive(*sorted(self.here))
        self.settle()

    def look(self) -> View:
        """The view, up to the last event."""
        for event in self.events[self._seen :]:
            self.view.apply(event)
        self._seen = len(self.events)
        return self.view


def play(made: KindsHouse, move: tuple[str, int, int], number: int) -> None:
    """Do one move; what does not apply now is left out."""
    word, a, b = move
    made.now += 1
    contacts = list(made.board.contacts.values())
    contact = contacts[a % len(contacts)] if contacts else None
    agent = tuple(made.site.agents)[a % 3]
    if word in ("call", "arrive", "schedule"):
        _arrive(made, word, a, b, number)
    elif word == "wait":
        made.wait((40, 1_000, 3_500, 12_000, 70_000)[a % 5])
    elif word in ("log_in", "log_out", "pause", "resume", "end_wrap_up"):
        made.ask(agent, word, contact=_wrapped_up(made.board.agents[agent]) if word == "end_wrap_up" and b % 2 else "")
    elif word == "phone":
        made.say(PhoneReported(phone_of(f"phone-{agent}"), ("available", "busy", "available", "unavailable")[b % 4]))
    elif word == "reach":
        made.say(ReachReported(agent, (CHAT, TASK)[b % 2], b % 3 > 0))
    elif word == "server":
        _change_servers(made, ("node", "other")[a % 2], leaves=b % 2 == 0)
    elif contact:
        _happen(made, word, contact, b)


def _wrapped_up(agent: Agent) -> str:
    return next((known.contact for known in agent.assignments.values() if known.state == AssignmentState.WRAP_UP), "")


def _arrive(made: KindsHouse, word: str, a: int, b: int, number: int) -> None:
    kind = VOICE if word == "call" else ALL_KINDS[1 + a % 3]
    due_ms = made.now + (700, 9_000)[b % 2] if word == "schedule" else 0
    trunk = "north" if kind == CALLBACK and b % 3 == 0 else ""
    steps = [(0, "billing >= 2"), (8_001, "")] if b % 4 == 0 else [(0, "")]
    made.say(
        arrival(
            f"c{number}",
            f"call-c{number}" if kind == VOICE else "",
            "node",
            ("support", "desk")[b % 2],
            steps,
            made.now,
            kind=kind,
            trunk=trunk,
            due_ms=due_ms,
        )
    )


def _change_servers(made: KindsHouse, server: str, *, leaves: bool) -> None:
    if leaves and server == "other":  # the server of the callers stays
        made.here.discard(server)
        made.say(ServerLeft(server))
    elif not leaves:
        made.here.add(server)
        made.alive(server)


def _happen(made: KindsHouse, word: str, contact: Contact, b: int) -> None:
    offers = list(contact.offers)
    offer = offers[b % len(offers)] if offers else "offer-0"
    if word == "answer":
        made.say(OfferAnswered(contact.id, offer))
    elif word == "accept" and contact.kind == CALLBACK:
        made.say(OfferAccepted(contact.id, offer))
    elif word == "not_reached":
        made.say(CustomerNotReached(contact.id, offer, "no_answer", made.now + (0, 90_000)[b % 2]))
    elif word == "refuse":
        made.say(OfferEnded(contact.id, offer, REFUSALS[b % 5]))
    elif word == "finish" and contact.state == ContactState.CONNECTED:
        made.say(TalkEnded(contact.id, offer, "agent", 1_000))
    elif word == "leave":
        made.leave(contact.id)
    elif word in ("prioritise", "move"):
        made.change(contact.id, word, priority=10 * b, queue=("support", "desk")[b % 2])


# -- what must hold ------------------------------------------------------------------------------------------------------------


def check_hands(made: KindsHouse) -> None:
    """Contacts and agents agree about every offer, and nobody has more of a kind in hand than their capacity."""
    of_contacts = sorted((o, c.id, a, OFFER_STATES[c.state]) for c in made.board.contacts.values() for o, a in c.offers.items())
    of_agents = sorted(
        (offer, known.contact, agent.id, known.state)
        for agent in made.board.agents.values()
        for offer, known in agent.assignments.items()
        if known.state != AssignmentState.WRAP_UP
    )
    assert of_contacts == of_agents
    for agent in made.board.agents.values():
        kinds = Counter(known.kind for known in agent.assignments.values())
        assert all(count <= made.site.agents[agent.id].capacity.get(kind, 0) for kind, count in kinds.items()), kinds
        assert agent.state == state_of(agent.presence, [known.state for known in agent.assignments.values()])
        assert agent.presence == AgentPresence.READY or not agent.assignments


def check_nobody_waits_in_vain(made: KindsHouse) -> None:
    """No contact waits beside an agent who could take it and a server that could carry it out."""
    for contact in made.board.contacts.values():
        if contact.state == ContactState.WAITING:
            assert not [agent.id for agent in made.board.agents.values() if _could_take(made, agent, contact)], contact


def _could_take(made: KindsHouse, agent: Agent, contact: Contact) -> bool:
    """Told again in other words than the product's: by counting what is in hand."""
    profile, kind = made.site.agents[agent.id], contact.kind
    alike = sum(known.kind == kind for known in agent.assignments.values())
    others = {known.kind for known in agent.assignments.values()} - {kind}
    yields = {VOICE: {CHAT, TASK}, CALLBACK: {TASK}, CHAT: {TASK}, TASK: set()}[kind]
    is_free = agent.presence == AgentPresence.READY and not agent.requested and alike < profile.capacity.get(kind, 0) and others <= yields
    is_reached = agent.phone_state == "available" if KINDS[kind].by_phone else kind not in agent.unreached
    suits = parse(contact.steps[contact.step(made.now)][1]).suits(profile.skills, profile.id)
    is_carried = kind == VOICE or (contact.facts.trunk == "" or "node" in made.here)
    return is_free and is_reached and suits and is_carried and contact.refused_until_ms.get(agent.id, 0) <= made.now


def check_contacts(made: KindsHouse) -> None:
    """Voice has a holder and nothing else; nobody is offered what is not due; who is held up has a reason that is true."""
    for contact in made.board.contacts.values():
        assert (contact.holder is None) == (contact.kind != VOICE)
        assert contact.due_ms <= made.now or contact.state == ContactState.SCHEDULED
        assert contact.held_up in (None, "no_trunk", "no_server")
        if contact.state == ContactState.WAITING and contact.facts.trunk == "north":
            assert contact.held_up == (None if "node" in made.here else "no_trunk")
    queued = Counter(c.queue for c in made.board.contacts.values() if c.state in (ContactState.WAITING, ContactState.OFFERED))
    assert made.board.in_queue == {queue: queued[queue] for queue in made.site.queues}


def check_view(made: KindsHouse) -> None:
    """Who follows the events knows every contact and every agent as the board does."""
    view = made.look()
    assert _contacts(view.contacts.values()) == _contacts(made.board.contacts.values())
    assert {a.id: _agent(a) for a in view.agents.values()} == {a.id: _agent(a) for a in made.board.agents.values()}


def _contacts(contacts: object) -> dict[str, tuple[object, ...]]:
    assert hasattr(contacts, "__iter__")
    return {c.id: (c.kind, c.state, c.holder, c.queue, c.agent, dict(c.offers), c.due_ms, c.held_up, c.order_ms) for c in contacts}


def _agent(agent: Agent) -> tuple[object, ...]:
    return agent.presence, agent.state, agent.reason, agent.assignments, agent.requested, agent.phone_state, agent.unreached, agent.handled
