"""Every event about an agent says which team the agent was in then, so that a report of a day is by the teams of that day."""

from dataclasses import replace

import pytest

from routing.domain.events.agents import AgentLoggedIn, AgentPaused, AgentReady, AgentWrapUpStarted
from routing.domain.events.contacts import ContactConnected, ContactEnded, ContactQueued
from routing.domain.events.envelope import EventData
from routing.domain.events.offers import OfferMade
from routing.domain.model import AgentProfile, Directory
from routing.domain.teams import TeamStay
from tests.routing_house import START_MS, House, directory, person

pytestmark = pytest.mark.unit
MIDNIGHT_MS = START_MS + 60_000


def anna(*teams: TeamStay) -> AgentProfile:
    return replace(person("anna"), teams=teams)


def at_work(site: Directory) -> House:
    made = House(site)
    made.start_work("anna")
    return made


def teams(made: House, cls: type[EventData]) -> list[str]:
    return [event.team for event in made.events if isinstance(event.data, cls)]


def test_events_of_an_agent_and_of_the_contacts_they_have() -> None:
    """From log-in to the end of the wrap-up; a contact that nobody has is of no team."""
    made = at_work(directory(anna(TeamStay(0, "north"))))
    made.call("c1")
    made.answer("c1")
    made.finish("c1")
    made.wait(60_000)

    for cls in (AgentLoggedIn, OfferMade, ContactConnected, ContactEnded, AgentWrapUpStarted, AgentReady):
        assert teams(made, cls) == ["north"], cls
    assert teams(made, ContactQueued) == [""]


def test_an_agent_in_no_team() -> None:
    """Nothing is said."""
    made = at_work(directory(anna()))

    assert {event.team for event in made.events} == {""}


def test_the_team_is_that_of_the_moment() -> None:
    """At midnight of the first day of another team it changes, in the middle of a talk."""
    made = at_work(directory(anna(TeamStay(0, "north"), TeamStay(MIDNIGHT_MS, "south"))))
    made.call("c1")
    made.answer("c1")
    made.wait(MIDNIGHT_MS - made.now - 1)
    made.ask("anna", "pause")
    made.wait(1)
    made.finish("c1")
    made.wait(60_000)

    assert (teams(made, ContactConnected), teams(made, ContactEnded), teams(made, AgentPaused)) == (["north"], ["south"], ["south"])


def test_a_change_of_the_site_holds_from_the_next_event_on() -> None:
    """Whoever was moved to another team is in it at once, also with a caller on the phone."""
    made = at_work(directory(anna(TeamStay(0, "north"))))
    made.call("c1")
    made.answer("c1")
    made.redefine(directory(anna(TeamStay(0, "south"))))
    made.finish("c1")

    assert (teams(made, ContactConnected), teams(made, ContactEnded)) == (["north"], ["south"])
