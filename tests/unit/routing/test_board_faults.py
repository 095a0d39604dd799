"""Thousands of random steps in which everything fails at random, then calm: what is committed is right after every step, nothing sticks."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fault_world import MISSED, Caller, World
from routing_house import directory, person

from routing.agent_state import TRANSITIONS, AgentState
from routing.contact_state import ContactState
from routing.events import Event
from routing.messages import AgentAsked, ContactArrived, ContactAsked, ContactLeft, PhoneReported
from routing.model import UNTIL_DONE, Membership, Overflow, QueuePolicy
from routing.store import codec
from simulator import virtual

pytestmark = [pytest.mark.unit, pytest.mark.timeout(280)]

STEPS = 5_000
CALM_MS = 400_000
HALF = {"vip": Membership(tier=2), "sales": Membership(tier=2)}
SITE = directory(
    person("anna", billing=5, lang_zh=4),
    person("li", billing=2, lang_en=3),
    person("wang", ("support",), lang_zh=5, lang_en=5),
    replace(person("zoe", ("vip", "sales"), billing=1), wrap_up_ms=UNTIL_DONE),
    replace(person("ida", lang_en=1), memberships=HALF),
    person("max", ("support", "sales"), billing=3),
    queues=(
        QueuePolicy(
            "support",
            max_wait_ms=90_000,
            refusal_ms=5_000,
            wrap_up_ms=3_000,
            max_waiting=12,
            ring_timeout_ms=8_000,
            overflow=(Overflow("sales", waiting=9), Overflow(waited_ms=60_000)),
            keep_place_ms=30_000,
            last_agent_ms=120_000,
            preferred_ms=5_000,
        ),
        QueuePolicy(
            "vip",
            strategy="ring_all",
            max_wait_ms=40_000,
            refusal_ms=0,
            wrap_up_ms=0,
            weight=2.0,
            ring_timeout_ms=4_000,
            tier_delays_ms=(0, 3_000),
            stay_when="eligible",
            stay_grace_ms=10_000,
        ),
        QueuePolicy(
            "sales",
            strategy="ring_progressively",
            max_wait_ms=50_000,
            ring_timeout_ms=9_000,
            ring_more_ms=2_000,
            tier_delays_ms=(0, 5_000),
            join_when="staffed",
            wrap_up_ms=UNTIL_DONE,
            dispositions={"sold": "sold"},
            ageing=0.0,
            overflow=(Overflow("support", waited_ms=30_000),),
        ),
    ),
)
QUEUES = tuple(SITE.queues)
WANTS = (
    [(0, "")],
    [(0, "")],
    [(0, "billing >= 3")],
    [(0, "lang_zh and billing"), (7_000, "lang_zh"), (20_000, "")],
    [(0, "@zoe"), (4_000, "lang_en or billing")],
)
NEVER_IN = ("full", "no_agents", "overflowed", "closed", "failed")
LEAVING = {"contact_abandoned", "contact_timed_out", "contact_left", "contact_ended"}
ACTIONS = (*["log_in"] * 6, *["resume"] * 6, *["end_wrap_up"] * 6, *["join_queue"] * 3)
ACTIONS += ("log_out", "pause", "extend_wrap_up", "dispose", "leave_queue")


class Witness:
    """Reads every event and, after every step, what is committed."""

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
                self.world.note(" -", event.type, event.contact, event.agent, event.data.get("offer") or event.data.get("outcome") or "")
            elif event.agent or event.type.startswith(("server", "domain")):
                self.world.note(" -", event.type, event.agent or event.data.get("server"), event.contact)
            self._offers(event)
            self._contacts(event)
            self._agents(event)
            if event.type == "domain_opened":
                for server in self.world.up():
                    self.world.tell_again(server, all_lost=True)
        self._records()

    def forget(self) -> None:
        """The store lost everything: what was open is told anew, or is over."""
        self.open_offers.clear()
        self.present.clear()

    def _news(self) -> list[Event]:
        entries = self.world.shared.events.entries
        found = [codec.event_from(text) for _, text in entries]
        entries.clear()
        return found

    def _offers(self, event: Event) -> None:
        offer = event.data.get("offer", "")
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
        elif event.type in LEAVING and (contact in self.present or event.data.get("outcome") not in NEVER_IN):
            assert contact in self.present, f"{contact} has a second outcome: {event.type} {event.data}"
            self.present.discard(contact)
            self.done.add(contact)
            self.outcome[contact] = event.data.get("outcome", "talked")

    def _agents(self, event: Event) -> None:
        if "before" not in event.data or not event.agent:
            return
        before, state = AgentState(event.data["before"]), AgentState(event.data["state"])
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


# -- what may happen in a step ---------------------------------------------------------------------------------------------------


def waiting(world: World) -> list[Caller]:
    return [caller for caller in world.callers.values() if not caller.over and not caller.talk]


def arrive(world: World, witness: Witness) -> None:
    up, chance = world.up(), world.chance
    if not up or len(waiting(world)) > 14:
        return
    server, id = chance.choice(up), world.ids.new("contact")
    queue, wants = chance.choice(("support", "support", "vip", "sales")), list(chance.choice(WANTS))
    arrived = ContactArrived(id, f"call-{id}", server.name, queue, wants, world.now, chance.choice((0, 0, 5)), f"+49{chance.randrange(30)}")
    arrived = replace(arrived, preferred=chance.choice(([], [], ["li"], ["ida", "max"])), exclude=chance.choice(([], [], ["anna"])))
    world.callers[id] = Caller(arrived, server.name, queue)
    server.outbox.append(arrived)
    world.note("arrive", id, server.name)


def hang_up(world: World, witness: Witness) -> None:
    living = [caller for caller in world.callers.values() if not caller.over]
    if living:
        caller = world.chance.choice(living)
        by = world.chance.choice(("caller", "agent")) if caller.talk else "caller"
        world.note("hang_up", caller.contact, by, "talking" if caller.talk else "waiting", caller.server or "nowhere")
        world.end(caller, by)


def pick_up(world: World, witness: Witness) -> None:
    ringing = [(caller, offer) for caller in world.callers.values() for offer in caller.rings if not caller.over]
    if ringing:
        caller, offer = world.chance.choice(ringing)
        world.note("answer", caller.contact, offer, caller.server or "nowhere")
        world.answer(caller, offer)


def refuse(world: World, witness: Witness) -> None:
    ringing = [(caller, offer) for caller in world.callers.values() for offer in caller.rings if not caller.over]
    if ringing:
        caller, offer = world.chance.choice(ringing)
        outcome = world.chance.choice(MISSED)
        world.note("refuse", caller.contact, offer, outcome)
        world.miss(caller, offer, outcome)


def leave_queue(world: World, witness: Witness) -> None:
    """By key: the caller goes on in the flow."""
    there = [caller for caller in waiting(world) if caller.server in {server.name for server in world.up()}]
    if there:
        caller = world.chance.choice(there)
        world.tell(caller, ContactLeft(caller.contact, "exit_key", "9", caller.server))
        world.note("exit_key", caller.contact)
        caller.over = True
        caller.rings.clear()


def agent_asks(world: World, witness: Witness) -> None:
    if world.up():
        server = world.chance.choice(world.up())
        agent, action = world.chance.choice(tuple(SITE.agents)), world.chance.choice(ACTIONS)
        world.note("asks", agent, action)
        queue = world.chance.choice(QUEUES)
        asked = AgentAsked(agent, "log_in", world.ids.new("request"), server.name, "lunch", "", world.now, queue, "sold")
        server.outbox.append(replace(asked, action=action))


def supervisor_asks(world: World, witness: Witness) -> None:
    """A waiting contact, or one that is over, is made more urgent, moved or sent away."""
    if world.up() and world.callers:
        server, contact = world.chance.choice(world.up()), world.chance.choice(list(world.callers)[-12:])
        action, queue = world.chance.choice(("prioritise", "prioritise", "move", "move", "withdraw")), world.chance.choice(QUEUES)
        world.note("supervisor", action, contact, queue)
        asked = ContactAsked(contact, "move", world.ids.new("request"), server.name, world.chance.choice((0, 30)), queue, world.now)
        server.outbox.append(replace(asked, action=action))


def phone(world: World, witness: Witness) -> None:
    """One is unplugged or plugged in; or its state is told once more."""
    agent = world.chance.choice(tuple(SITE.agents))
    if world.chance.random() < (0.5 if agent in world.phones_off else 0.1):
        world.phones_off ^= {agent}
    for server in world.up():
        server.outbox.append(PhoneReported(SITE.agents[agent].phone, world.phone_state(agent)))


def server_fails(world: World, witness: Witness) -> None:
    """It dies with what it had to say, leaves in good order, or freezes."""
    up = world.up()
    if len(up) < 2 and world.chance.random() < 0.8:
        return
    server, how = world.chance.choice(up or [world.servers["north"]]), world.chance.choice(("dies", "dies", "leaves", "freezes"))
    world.note(server.name, how)
    if how == "leaves":
        world.leave_in_order(server)
    server.state = "frozen" if how == "freezes" else "down"
    if server.state == "down":
        server.outbox.clear()
        for caller in world.held_by(server.name):
            caller.server = ""


def server_returns(world: World, witness: Witness) -> None:
    gone = [server for server in world.servers.values() if server.state != "up"]
    if gone:
        server = world.chance.choice(gone)
        world.note(server.name, "returns from", server.state)
        if server.state == "down":
            server.read, server.outbox, server.was_away = "0", [], False
            world.reconcile(server)
        server.state = "up"


def carried_over(world: World, witness: Witness) -> None:
    """A caller without a server, or whose server is frozen, reaches another one; while a phone rings or they talk Asterisk keeps them."""
    frozen = {server.name for server in world.servers.values() if server.state == "frozen"}
    adrift = [caller for caller in waiting(world) if (not caller.server or caller.server in frozen) and not caller.rings]
    if adrift and world.up():
        caller, server = world.chance.choice(adrift), world.chance.choice(world.up())
        world.note("carried_over", caller.contact, "to", server.name)
        world.carry_over(caller, server)


def store_trouble(world: World, witness: Witness) -> None:
    """It goes away, comes back, answers unreliably, or has lost everything."""
    what = world.chance.choice(("away", "back", "back", "shaky", "steady", "lost"))
    world.note("store", what)
    world.away = what == "away" or (world.away and what != "back")
    world.shaky = what == "shaky" or (world.shaky and what != "steady")
    if what == "lost" and world.chance.random() < 0.5:
        shared = world.shared
        witness.look()
        witness.forget()
        for part in (shared.contacts, shared.agents, shared.calls, shared.ended, shared.inbox.entries, shared.events.entries):
            part.clear()
        for stream in shared.orders.values():
            stream.entries.clear()
        shared.position, shared.fence, shared.lease, shared.inbox.last = "0", 0, ("", 0, 0.0), 0


async def router_fails(world: World) -> None:
    """One dies at whatever await it has reached, or ends in good order; another one stands by or starts."""
    name = world.chance.choice(("r1", "r2"))
    if name in world.routers:
        killed = world.chance.random() < 0.7
        world.note("router", name, "is killed" if killed else "ends")
        await world.stop_router(name, killed=killed)
    else:
        world.note("router", name, "starts")
        world.start_router(name)


Deed = Callable[[World, Witness], None]
DEEDS: dict[Deed, int] = {
    arrive: 25,
    hang_up: 12,
    pick_up: 24,
    refuse: 5,
    leave_queue: 2,
    agent_asks: 18,
    supervisor_asks: 4,
    phone: 4,
    server_fails: 1,
    server_returns: 2,
    carried_over: 8,
    store_trouble: 2,
}


async def run_wild(world: World, witness: Witness, steps: int) -> None:
    chance = world.chance
    for _ in range(steps):
        if chance.random() < 0.02:
            await router_fails(world)
        else:
            chance.choices(list(DEEDS), DEEDS.values())[0](world, witness)
        await world.pass_time(chance.choice((0, 1, 1, 5, 20, 100, 400, 400, 1_500)) if chance.random() < 0.98 else 6_000)
        witness.look()


async def calm_down(world: World, witness: Witness) -> None:
    """Nothing fails any more: everybody who is in a talk ends it, callers adrift are carried over, and time passes."""
    world.away = world.shaky = False
    world.phones_off.clear()
    for name in {"r1", "r2"} - world.routers.keys():
        world.start_router(name)
    while any(server.state != "up" for server in world.servers.values()):
        server_returns(world, witness)
    began = world.now
    while world.now < began + CALM_MS:
        for caller in [caller for caller in world.callers.values() if not caller.over]:
            if caller.talk:
                world.end(caller, "agent")
            elif not caller.server and not caller.rings:
                world.carry_over(caller, world.up()[0])
        for agent, profile in SITE.agents.items():
            done = AgentAsked(agent, "end_wrap_up", world.ids.new("request"), "north", at_ms=world.now)
            told = PhoneReported(profile.phone, world.phone_state(agent)), done, replace(done, disposition="sold")
            world.servers["north"].outbox += told
        await world.pass_time(5_000)
        witness.look()


async def whole(seed: int, steps: int) -> tuple[World, Witness]:
    world = World(SITE, seed)
    witness = Witness(world)
    world.start_router("r1")
    for agent in SITE.agents:
        world.servers["north"].outbox += [
            PhoneReported(SITE.agents[agent].phone, "available"),
            AgentAsked(agent, "log_in", "", "north", "", "", world.now),
        ]
    try:
        await run_wild(world, witness, steps)
        await calm_down(world, witness)
    except AssertionError as error:
        error.add_note(f"seed {seed}, the last of the story:\n" + "\n".join(world.story[-40:]))
        raise
    for name in list(world.routers):
        await world.stop_router(name, killed=False)
    return world, witness


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


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_breaks_and_nothing_stays_stuck(seed: int) -> None:
    """Servers, routers and the store fail at any moment; after every commit agents and contacts agree, every offer and every contact ends
    once, and when the failing stops every agent comes to rest, every caller to an end."""
    world, witness = virtual.run(whole(seed, STEPS))
    left = stuck(world, witness)
    about = [line for line in world.story if any(name in line for name in (*left.get("callers", ()), *left.get("contacts", ())))]
    assert not left, "\n".join([f"seed {seed}: {left}", *about[-20:]])
    assert world.skipped == 0, "a message or deadline broke a board"
    assert min(witness.seen[kind] for kind in ("contact_connected", "contact_restored", "contact_taken_over", "domain_opened")) > 3
