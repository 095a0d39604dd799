"""Reads teams.yaml, and what agents.yaml says of who is in which team: one at a time, with dates."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from routing.domain.teams import Team, TeamStay
from server.settings.agent_files import TeamStayFile
from server.settings.files import TeamsFile
from server.settings.reading import Reading
from sources.problems import suggest
from sources.source import Where

FILE = "teams.yaml"


def read_teams(reading: Reading) -> Mapping[str, Team]:
    """Every team; a site may have none."""
    return {id: Team(id, file.names, tuple(file.leaders)) for id, file in reading.file(FILE, TeamsFile).teams.items()}


def check_leaders(reading: Reading, teams: Mapping[str, Team]) -> None:
    """Leaders who are no agents; agents.yaml is to be read before."""
    agents = reading.names("agents.yaml", "agents")
    for id, team in teams.items():
        for at, leader in enumerate(team.leaders):
            if leader not in agents:
                reading.say(FILE, ("teams", id, "leaders", at), f"unknown agent '{leader}'", suggest(leader, agents))


def team_mistakes(stays: Sequence[TeamStayFile], teams: Collection[str]) -> Iterator[tuple[Where, str, str]]:
    """What does not fit in an agent's teams: (way inside of the agent, sentence, hint)."""
    for at, stay in enumerate(stays):
        if stay.name not in teams:
            hint = suggest(stay.name, teams) or "config/teams.yaml defines them"
            yield ("team", at, "name"), f"unknown team '{stay.name}'", hint
        if stay.last and stay.last < stay.begins():
            yield ("team", at, "until"), f"the time in team '{stay.name}' ends on {stay.last}, before it begins", ""
    ordered = sorted(enumerate(stays), key=lambda numbered: numbered[1].begins())
    for (_, before), (at, stay) in pairwise(ordered):
        if stay.begins() == before.begins() or (before.last and before.last >= stay.begins()):
            message = f"the time in team '{stay.name}' overlaps with that in '{before.name}': an agent is in one team at a time"
            yield ("team", at, "from"), message, "give it a later first day (from), or end the other before (until)"


def stays_of(stays: Sequence[TeamStayFile], time_zone: str) -> tuple[TeamStay, ...]:
    """The same as moments: days begin at midnight in the site's time zone."""
    ordered = sorted(stays, key=TeamStayFile.begins)
    found = {}
    for stay in ordered:
        found[_midnight_ms(stay.first, time_zone)] = stay.name
        if stay.last and stay.last < date.max:
            found[_midnight_ms(stay.last + timedelta(days=1), time_zone)] = ""
    return tuple(TeamStay(from_ms, team) for from_ms, team in found.items())


def _midnight_ms(day: date | None, time_zone: str) -> int:
    return 0 if day is None else int(datetime.combine(day, time(), ZoneInfo(time_zone)).timestamp() * 1000)
