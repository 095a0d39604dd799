"""The site of the random-fault test, and what may happen in one step of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from routing.domain.messages import AgentAction, AgentAsked, ContactAction, ContactAsked, ContactLeft, PhoneReported
from routing.domain.model import UNTIL_DONE, Membership, Overflow, QueuePolicy
from tests.routing_house import arrival, directory, own_phone, person
from tests.unit.routing.fault_witness import Witness
from tests.unit.routing.fault_world import MISSED, Caller, World

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
WEIGHTS: dict[AgentAction, int] = {"log_in": 6, "resume": 6, "end_wrap_up": 6, "join_queue": 3}
WEIGHTS |= {"log_out": 1, "pause": 1, "extend_wrap_up": 1, "dispose": 1, "leave_queue": 1}
ACTIONS = tuple(action for action, weight in WEIGHTS.items() for _ in range(weight))
SUPERVISION: tuple[ContactAction, ...] = ("prioritise", "prioritise", "move", "move", "withdraw")


def waiting(world: World) -> list[Caller]:
    return [caller for caller in world.callers.values() if not caller.over and not caller.talk]


def arrive(world: World, witness: Witness) -> None:
    up, chance = world.up(), world.chance
    if not up or len(waiting(world)) > 14:
        return
    server, id = chance.choice(up), world.ids.new("contact")
    queue, wants = chance.choice(("support", "support", "vip", "sales")), list(chance.choice(WANTS))
    wishes: dict[str, Any] = {"priority": chance.choice((0, 0, 5)), "ani": f"+49{chance.randrange(30)}"}
    wishes |= {"preferred": chance.choice(([], [], ["li"], ["ida", "max"])), "exclude": chance.choice(([], [], ["anna"]))}
    arrived = arrival(id, f"call-{id}", server.name, queue, wants, world.now, **wishes)
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
        world.post(caller, ContactLeft(caller.contact, "exit_key", "9", caller.server))
        world.note("exit_key", caller.contact)
        caller.over = True
        caller.rings.clear()


def agent_asks(world: World, witness: Witness) -> None:
    if world.up():
        server = world.chance.choice(world.up())
        agent, action = world.chance.choice(tuple(SITE.agents)), world.chance.choice(ACTIONS)
        world.note("asks", agent, action)
        queue = world.chance.choice(QUEUES)
        asked = AgentAsked(agent, "log_in", world.ids.new("request"), server.name, "lunch", None, world.now, queue, "sold")
        server.outbox.append(replace(asked, action=action))


def supervisor_asks(world: World, witness: Witness) -> None:
    """A waiting contact, or one that is over, is made more urgent, moved or sent away."""
    if world.up() and world.callers:
        server, contact = world.chance.choice(world.up()), world.chance.choice(list(world.callers)[-12:])
        action, queue = world.chance.choice(SUPERVISION), world.chance.choice(QUEUES)
        world.note("supervisor", action, contact, queue)
        asked = ContactAsked(contact, "move", world.ids.new("request"), server.name, world.chance.choice((0, 30)), queue, world.now)
        server.outbox.append(replace(asked, action=action))


def phone(world: World, witness: Witness) -> None:
    """One is unplugged or plugged in; or its state is told once more."""
    agent = world.chance.choice(tuple(SITE.agents))
    if world.chance.random() < (0.5 if agent in world.phones_off else 0.1):
        world.phones_off ^= {agent}
    for server in world.up():
        server.outbox.append(PhoneReported(own_phone(SITE.agents[agent]), world.phone_state(agent)))


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
