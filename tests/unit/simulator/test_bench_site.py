"""What benchmarks set up: a site that the server accepts, and a comparison that has the same agents."""

import argparse
from pathlib import Path

import pytest

from server.settings import Site, load_site
from simulator.bench.app_queue import dialplan_commands, queues_conf
from simulator.bench.command import add_bench
from simulator.bench.site import ANNOUNCED, MENU, QUEUE, UNSTAFFED, files_of_site

pytestmark = pytest.mark.unit


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """The site of three agents, as the server reads it."""
    for name, text in files_of_site(3).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return load_site(tmp_path / "config", tmp_path / "dialplans")


def test_the_generated_site_is_whole(site: Site) -> None:
    """Numbers lead to flows, agents have phones, nobody has wrap-up time, and one queue has no agent."""
    assert [site.flow_for(number) for number in (QUEUE, ANNOUNCED, UNSTAFFED, MENU)] == ["bench", "announced", "unstaffed", "menu"]
    agents = site.directory.agents.values()
    assert [str(agent.phone) for agent in agents] == ["2001", "2002", "2003"]
    assert {queue for agent in agents for queue in agent.queues} == {"bench", "announced"}
    assert {policy.wrap_up_ms for policy in site.directory.queues.values()} == {0}


def test_both_systems_have_the_same_agents(site: Site) -> None:
    staffed = [part for part in queues_conf(3).split("\n[") if part.startswith(("bench]", "announced]"))]

    assert len(staffed) == 2
    for part in staffed:
        assert [line for line in part.splitlines() if line.startswith("member =>")] == [
            f"member => PJSIP/{agent.phone}" for agent in site.directory.agents.values()
        ]


def test_the_queue_that_nobody_answers_has_no_member() -> None:
    unstaffed = queues_conf(3).partition("[unstaffed]")[2]

    assert "member =>" not in unstaffed


def test_the_comparison_is_reached_by_numbers_of_its_own() -> None:
    commands = dialplan_commands()

    assert len(commands) == 9
    assert not [command for command in commands for number in (QUEUE, ANNOUNCED, UNSTAFFED, MENU) if f" {number}," in command]


@pytest.mark.parametrize("words", [["bench", "offer", "--size", "20"], ["bench", "offer", "--size", "0/1"], ["bench", "sip"], ["bench"]])
def test_a_command_line_without_sense_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_bench(parser.add_subparsers())

    with pytest.raises(SystemExit):
        parser.parse_args(words)
    assert "usage" in capsys.readouterr().err
