"""Thousands of random steps in which everything fails at random, then calm: what is committed is right after every step, nothing sticks."""

import asyncio
from dataclasses import replace

import pytest

from routing.domain.messages import AgentAsked, PhoneReported
from simulator import virtual
from tests.routing_house import own_phone
from tests.unit.routing.fault_deeds import DEEDS, SITE, router_fails, server_returns
from tests.unit.routing.fault_witness import Witness, stuck
from tests.unit.routing.fault_world import World

pytestmark = [pytest.mark.unit, pytest.mark.unmeasured, pytest.mark.timeout(280)]

STEPS = 5_000
CALM_MS = 400_000


async def run_wild(world: World, witness: Witness, steps: int) -> None:
    chance = world.chance
    for _ in range(steps):
        if chance.random() < 0.02:
            await router_fails(world)
        else:
            chance.choices(list(DEEDS), list(DEEDS.values()))[0](world, witness)
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
            told = PhoneReported(own_phone(profile), world.phone_state(agent)), done, replace(done, disposition="sold")
            world.servers["north"].outbox += told
        await world.pass_time(5_000)
        witness.look()


async def whole(seed: int, steps: int) -> tuple[World, Witness]:
    world = World(SITE, seed)
    witness = Witness(world)
    world.start_router("r1")
    for agent in SITE.agents:
        world.servers["north"].outbox += [
            PhoneReported(own_phone(SITE.agents[agent]), "available"),
            AgentAsked(agent, "log_in", "", "north", "", None, world.now),
        ]
    try:
        await run_wild(world, witness, steps)
        await calm_down(world, witness)
    except AssertionError as error:
        error.add_note(f"seed {seed}, the last of the story:\n" + "\n".join(world.story[-40:]))
        raise
    await asyncio.sleep(1)  # what was told last is heard
    for name in list(world.routers):
        await world.stop_router(name, killed=False)
    return world, witness


@pytest.mark.parametrize("seed", [3, 5, 16])  # in these all of the kinds below happen often enough
def test_nothing_breaks_and_nothing_stays_stuck(seed: int) -> None:
    """Servers, routers and the store fail at any moment; after every commit agents and contacts agree, every offer and every contact ends
    once, and when the failing stops every agent comes to rest, every caller to an end."""
    world, witness = virtual.run(whole(seed, STEPS))
    left = stuck(world, witness)
    about = [line for line in world.story if any(name in line for name in (*left.get("callers", ()), *left.get("contacts", ())))]
    assert not left, "\n".join([f"seed {seed}: {left}", *about[-20:]])
    assert world.skipped == 0, "a message or deadline broke a board"
    assert min(witness.seen[kind] for kind in ("contact_connected", "contact_restored", "contact_taken_over", "domain_opened")) > 3
