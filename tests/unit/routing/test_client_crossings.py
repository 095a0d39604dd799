"""Agents who pause or log out in the instant of an answer, from the server's message to what becomes of the contact."""

import asyncio

import pytest

from routing.domain.messages import AgentAction, AgentAsked
from tests.scripted_caller import Phone, ScriptedCaller
from tests.unit.routing.test_routing_client import House, scene

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("action", ["log_out", "pause"])
def test_who_leaves_in_the_instant_of_the_answer(action: AgentAction) -> None:
    """What was asked first counts: nobody has talked, the agent is gone, and the caller waits on for the next one. The offer ends once."""

    async def play(house: House) -> None:
        await house.work_begins("anna")
        line = ScriptedCaller()
        asked = AgentAsked("anna", action, "request", house.routing_client.server)
        line.phones = [Phone(picked_up=lambda: house.routing_client.post(asked), talk_ms=40_000), Phone(talk_ms=5_000)]
        stay = house.call(line)
        await asyncio.sleep(5)
        assert [contact.state for contact in (await house.store.load()).contacts] == ["waiting"]
        await house.work_begins("li")
        assert (await stay).agent == "li"
        agents = {agent.id: agent.presence for agent in (await house.store.load()).agents}
        assert agents["anna"] == ("paused" if action == "pause" else "logged_out")
        told = [event.type for event in await house.events() if event.agent == "anna" and event.contact]
        assert told == ["offer_made", "offer_ringing", "offer_withdrawn"]

    scene(play)


def test_who_leaves_when_the_talk_can_not_be_ended_any_more() -> None:
    """Then it is one: the router learns of it, nobody else is offered the contact, and what the agent asked for comes after it."""

    async def play(house: House) -> None:
        await house.work_begins("anna")
        line = ScriptedCaller()
        asked = AgentAsked("anna", "pause", "request", house.routing_client.server, reason="tea")

        def answered() -> None:
            house.routing_client.post(asked)
            line.withdraw = too_late  # type: ignore[method-assign]

        async def too_late(offer: str) -> bool:
            return False

        line.phones = [Phone(picked_up=answered, talk_ms=40_000)]
        stay = house.call(line)
        await asyncio.sleep(5)
        (contact,) = (await house.store.load()).contacts
        assert (contact.state, contact.agent) == ("connected", "anna")
        assert (await stay).agent == "anna"
        await asyncio.sleep(60)
        agents = {agent.id: (agent.presence, agent.reason) for agent in (await house.store.load()).agents}
        assert agents["anna"] == ("paused", "tea")
        assert (await house.store.load()).contacts == ()

    scene(play)
