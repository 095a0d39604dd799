"""Warnings: what is odd in a site and can be used all the same, and the mistakes that only the whole site shows."""

from pathlib import Path

import pytest

from tests.settings_house import SmallSite

WAIT = '{type: queue, queue: billing, requirement: "billing >= 3", otherwise: bye}'


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    return SmallSite(tmp_path)


def waiting(site: SmallSite, settings: str, queue: str = "billing") -> None:
    """The site's one queue node with other settings."""
    site.change("dialplans/main.yaml", WAIT, f"{{type: queue, queue: {queue}, {settings}, otherwise: bye}}")


def test_a_site_that_is_right_has_no_warning(site: SmallSite) -> None:
    """Nothing is said of what somebody can take."""
    assert site.warned() == []


# -- who can ever take this call -------------------------------------------------------------------------------------------------


def test_a_queue_that_nobody_serves(site: SmallSite) -> None:
    """It is named once, at its own name, however many flows lead to it; where it overflows to a queue that is served nothing is said."""
    site.change("config/queues.yaml", "  sales:", "  empty: {}\n  sales:")
    waiting(site, 'requirement: "billing"', "empty")
    assert site.warned() == [
        "config/queues.yaml:6:3: warning: nobody serves the queue 'empty' - add it to the queues of an agent in config/agents.yaml"
    ]
    site.change("config/queues.yaml", "empty: {}", "empty: {overflow: [{waited: 30s, to: billing}]}")
    assert site.warned() == []


@pytest.mark.parametrize(
    ("queue", "requirement", "said"),
    [
        (
            "billing",
            "billing >= 5",
            "no agent of the queue 'billing' meets 'billing >= 5' - give an agent of the queue what is missing, or",
        ),
        ("billing", "billing and lang_en", "meets 'billing and lang_en' - give an agent of the queue what is missing, or add a step"),
        ("billing", "not lang_zh and not lang_en", "meets 'not lang_zh and not lang_en' - give an agent"),
        (
            "sales",
            "billing >= 3",
            "meets 'billing >= 3' - agents of other queues meet it (wang): add the queue to one of them, or ask for less",
        ),
        ("sales", "@wang", "no agent of the queue 'sales' meets '@wang' - agents of other queues meet it (wang)"),
        ("sales", "lang_{language}", "no agent of the queue 'sales' meets 'lang_zh' - agents of other queues meet it (wang)"),
    ],
)
def test_a_requirement_that_nobody_of_the_queue_meets(site: SmallSite, queue: str, requirement: str, said: str) -> None:
    """A level, a combination, an agent or a language: the requirement is told as it is asked, with who elsewhere meets it."""
    waiting(site, f'requirement: "{requirement}"', queue)
    (warning,) = site.warned()
    assert warning.startswith("dialplans/main.yaml:5:")
    assert ": warning: nobody can ever take this call: " in warning
    assert said in warning


def test_an_attribute_that_nobody_of_the_queue_has(site: SmallSite) -> None:
    """Another queue's agent has it."""
    site.change("config/agents.yaml", "wrap_up: 20s", "attributes: {site: north}")
    site.change("config/agents.yaml", "queues: [billing, sales]", "queues: [sales]")
    waiting(site, "requirement: 'site = north'")
    (warning,) = site.warned()
    assert "no agent of the queue 'billing' meets 'site = north' - agents of other queues meet it (smith)" in warning


def test_a_requirement_with_a_value_of_the_call_is_not_judged(site: SmallSite) -> None:
    """Nobody knows before what it will be."""
    site.change("config/agents.yaml", "wrap_up: 20s", "attributes: {site: north}")
    site.change("dialplans/main.yaml", "start: open", "start: open\nvariables: {branch: south}")
    waiting(site, "requirement: 'site = \"{branch}\"'")
    assert site.warned() == []


def test_one_step_that_asks_nobody(site: SmallSite) -> None:
    """The others are not blamed: callers only wait through it for nothing. With all of them so, the call can never be taken."""
    waiting(site, 'steps: [{requirement: "billing >= 5"}, {after: 30s, requirement: billing}]')
    assert [line.partition("warning: ")[2].partition(" - ")[0] for line in site.warned()] == [
        "this step asks nobody: no agent of the queue 'billing' meets 'billing >= 5'"
    ]
    site.change("dialplans/main.yaml", "requirement: billing}", 'requirement: "lang_en >= 6 or billing >= 5"}')
    assert "expected a level from 0 to 5" in site.said()[-1]
    site.change("dialplans/main.yaml", "lang_en >= 6 or billing >= 5", "billing > 4")
    assert len([line for line in site.warned() if "nobody can ever take this call" in line]) == 2


def test_a_skill_that_nobody_has_is_told_once(site: SmallSite) -> None:
    """As a mistake: it is a word that no file knows."""
    waiting(site, 'requirement: "biling >= 3"')
    (problem,) = site.said()
    assert problem.endswith("no agent has the skill 'biling' - did you mean 'billing'?")


def test_a_preferred_agent_of_another_queue(site: SmallSite) -> None:
    """Nobody waits for an agent who does not serve the queue."""
    waiting(site, "preferred_agents: [smith, wang]", "sales")
    (warning,) = site.warned()
    assert "warning: the agent 'wang' does not serve the queue 'sales' and is never preferred - add the queue to the agent" in warning


def test_nothing_is_doubted_beside_a_mistake_in_agents(site: SmallSite) -> None:
    """Who could take a call is not known then."""
    site.change("config/agents.yaml", "skills: {lang_zh: 5, billing: 4}", "skils: {billing: 4}")
    assert [problem for problem in site.problems() if problem.warning] == []


# -- steps and preferred agents -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "queue_settings", "warned"),
    [
        ("preferred_agent: wang, preferred_for: 30s", "", ["30s"]),
        ("preferred_agent: wang, preferred_for: 45s", "", ["45s"]),
        ("preferred_agent: wang, preferred_for: 29s", "", []),
        ("preferred_agent: wang", "", []),  # the queue's preferred_for is 20s
        ("preferred_agent: wang", "preferred_for: 30s, ", ["30s"]),
        ("priority: 0", "preferred_for: 30s, ", []),  # nobody is preferred
        ("priority: 0", "preferred_for: 30s, last_agent: 7d, ", ["30s"]),
    ],
)
def test_a_step_that_preferred_agents_skip(site: SmallSite, settings: str, queue_settings: str, warned: list[str]) -> None:
    """`preferred_for` and `after` count from the same moment: the requirement before a step that is due by then is never asked."""
    waiting(site, f'steps: [{{requirement: "billing >= 3"}}, {{after: 30s, requirement: billing}}], {settings}')
    site.change("config/queues.yaml", "billing: {", f"billing: {{{queue_settings}")
    said = [
        f"with a preferred agent the step before this one is skipped: preferred_for ({time}) counts from joining, too" for time in warned
    ]
    assert [line.partition("warning: ")[2].partition(" - ")[0] for line in site.warned()] == said


# -- values that a variable can have -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("caller_list == 'vpi'", ["the site has no list of callers 'vpi' - did you mean 'vip'?"]),
        ("caller_list in ['vip', 'glod']", ["the site has no list of callers 'glod' - did you mean 'gold'?"]),
        ("'vpi' != caller_list", ["the site has no list of callers 'vpi' - did you mean 'vip'?"]),
        ("language == 'cn'", ["the site has no language 'cn' - possible: en, zh"]),
        ("caller_list == '' or caller_list == 'gold' and language == 'zh'", []),
        ("startswith(caller_list, 'v')", []),
    ],
)
def test_a_condition_names_values_that_there_are(site: SmallSite, condition: str, said: list[str]) -> None:
    """A list of callers or a language that is misspelt would never hold."""
    site.write("config/callers.yaml", 'lists:\n  vip: {numbers: ["+8613800138001"]}\n  gold: {numbers: ["+8613800138002"]}\n')
    branch = f'{{type: branch, cases: [{{when: "{condition}", then: bye}}], otherwise: wait}}'
    site.change("dialplans/main.yaml", "nodes:\n", f"nodes:\n  who: {branch}\n")
    site.change("dialplans/main.yaml", "open: wait", "open: who")
    assert [line.partition(": ")[2] for line in site.said()] == said


def test_without_lists_of_callers_no_name_is_one(site: SmallSite) -> None:
    """The file is named."""
    branch = "{type: branch, cases: [{when: \"caller_list == 'vip'\", then: bye}], otherwise: wait}"
    site.change("dialplans/main.yaml", "nodes:\n", f"nodes:\n  who: {branch}\n")
    site.change("dialplans/main.yaml", "open: wait", "open: who")
    (problem,) = site.said()
    assert problem.endswith("the site has no list of callers 'vip' - config/callers.yaml defines them")
