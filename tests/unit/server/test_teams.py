"""Teams: an agent is in one team at a time, with dates in the site's time zone."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.domain.teams import Team, TeamStay, team_at
from server.settings import Site
from tests.settings_house import SmallSite

pytestmark = pytest.mark.unit
TEAMS = """\
teams:
  north: {name: {zh: 北区班, en: North}, leaders: [wang]}
  south: {name: South}
  east: {}
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallSite:
    """With three teams, and nobody in them."""
    monkeypatch.chdir(tmp_path)
    made = SmallSite(Path("."))
    made.write("config/teams.yaml", TEAMS)
    return made


def smith(site: SmallSite, team: str) -> None:
    """What smith's entry says of teams."""
    site.change("config/agents.yaml", "name: Alice,", f"name: Alice, team: {team},")


def at(moment: str, zone: str = "Asia/Shanghai") -> int:
    return int(datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def team_of_smith(loaded: Site, moment: str, zone: str = "Asia/Shanghai") -> str:
    return loaded.directory.agents["smith"].team_at(at(moment, zone))


def test_a_site_without_teams(tmp_path: Path) -> None:
    """The file may be absent; nobody is in a team then."""
    loaded = SmallSite(tmp_path).load()

    assert loaded.directory.teams == {}
    assert team_of_smith(loaded, "2026-10-10") == ""


def test_teams_have_names_and_leaders(site: SmallSite) -> None:
    """Names as text or by language, leaders by their ids."""
    assert site.load().directory.teams == {
        "north": Team("north", {"zh": "北区班", "en": "North"}, ("wang",)),
        "south": Team("south", {"": "South"}),
        "east": Team("east"),
    }


@pytest.mark.parametrize("written", ["north", "[north]", "{name: north}", "[{name: north}]"])
def test_a_team_without_dates_holds_for_ever(site: SmallSite, written: str) -> None:
    """However it is written."""
    smith(site, written)

    loaded = site.load()

    assert [team_of_smith(loaded, moment) for moment in ("1970-01-02", "2026-10-10", "2150-01-01")] == ["north"] * 3


def test_a_team_changes_at_midnight_of_the_site(site: SmallSite) -> None:
    """The first day of one ends the other; the order in which they are written does not matter."""
    smith(site, "[{name: south, from: 2027-01-01}, {name: north}]")

    loaded = site.load()

    assert [team_of_smith(loaded, moment) for moment in ("2026-12-31T23:59:59.999", "2027-01-01")] == ["north", "south"]


def test_days_are_those_of_the_time_zone(site: SmallSite) -> None:
    """Also where a day of summer time has 23 hours."""
    site.change("config/hotline.yaml", "Asia/Shanghai", "Europe/Berlin")
    smith(site, "{name: north, from: 2027-03-28, until: 2027-03-28}")

    loaded = site.load()

    moments = ("2027-03-27T23:59:59", "2027-03-28T00:00", "2027-03-28T23:59:59", "2027-03-29T00:00")
    assert [team_of_smith(loaded, moment, "Europe/Berlin") for moment in moments] == ["", "north", "north", ""]


def test_a_time_in_no_team(site: SmallSite) -> None:
    """`until` is the last day; there may be a gap, or none, before the next team."""
    smith(site, "[{name: north, until: 2026-10-09}, {name: south, from: 2026-10-10, until: 2026-10-31}, {name: east, from: 2026-12-01}]")

    loaded = site.load()

    days = ("2026-10-09", "2026-10-10", "2026-10-31", "2026-11-01", "2026-12-01")
    assert [team_of_smith(loaded, day) for day in days] == ["north", "south", "south", "", "east"]


OVERLAP = (
    "overlaps with that in 'north': an agent is in one team at a time - give it a later first day (from), or end the other before (until)"
)
MISTAKES = [
    ("nroth", "agents.yaml:3:30: unknown team 'nroth' - did you mean 'north'?"),
    ("[north, {name: weast, from: 2027-01-01}]", "agents.yaml:3:45: unknown team 'weast' - did you mean 'east'?"),
    ("[north, south]", f"agents.yaml:3:38: the time in team 'south' {OVERLAP}"),
    ("[{name: north, from: 2027-01-01}, {name: south, from: 2027-01-01}]", f"agents.yaml:3:84: the time in team 'south' {OVERLAP}"),
    ("[{name: north, until: 2027-01-01}, {name: south, from: 2027-01-01}]", f"agents.yaml:3:85: the time in team 'south' {OVERLAP}"),
    (
        "[{name: north, from: 2027-01-02, until: 2027-01-01}]",
        "agents.yaml:3:70: the time in team 'north' ends on 2027-01-01, before it begins",
    ),
    (
        "[{name: north, from: 2027-02-30}]",
        "agents.yaml:3:51: '2027-02-30' is not a date: expected a day of the calendar such as 2026-10-10",
    ),
    ("[{name: north, form: 2027-01-01}]", "agents.yaml:3:45: unknown setting 'form' - did you mean 'from'?"),
    ("[{from: 2027-01-01}]", "agents.yaml:3:31: missing setting 'name'"),
]


@pytest.mark.parametrize(("written", "said"), MISTAKES, ids=[said.partition(": ")[2][:40] for _, said in MISTAKES])
def test_a_mistake_is_told_at_its_place(site: SmallSite, written: str, said: str) -> None:
    """Unknown teams with the nearest one, times that overlap, dates that are none."""
    smith(site, written)

    assert site.said() == [f"config/{said}"]


def test_mistakes_in_the_teams_themselves(site: SmallSite) -> None:
    """A leader is an agent, a setting is one that there is."""
    site.change("config/teams.yaml", "[wang]", "[wang, wnag]")
    assert site.said() == ["config/teams.yaml:2:55: unknown agent 'wnag' - did you mean 'wang'?"]

    site.write("config/teams.yaml", TEAMS.replace("east: {}", "east: {leader: [wang]}"))
    assert site.said() == ["config/teams.yaml:4:10: unknown setting 'leader' - did you mean 'leaders'?"]


def test_who_is_in_a_team_is_not_blamed_where_the_file_is_broken(site: SmallSite) -> None:
    """Only the file's own mistake is told."""
    site.write("config/teams.yaml", "teams: [north\n")
    smith(site, "north")

    assert all(problem.startswith("config/teams.yaml:") for problem in site.said())


@given(st.lists(st.tuples(st.integers(0, 100), st.sampled_from(["", "north", "south"])), max_size=6, unique_by=lambda stay: stay[0]))
def test_the_team_is_that_of_the_last_beginning(found: list[tuple[int, str]]) -> None:
    """At each moment, and "" before the first."""
    stays = [TeamStay(from_ms, team) for from_ms, team in sorted(found)]

    for moment in range(0, 102):
        begun = [team for from_ms, team in sorted(found) if from_ms <= moment]
        assert team_at(stays, moment) == (begun[-1] if begun else "")
