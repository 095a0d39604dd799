"""Reads all of `config/` and `dialplans/`: either a Site in which everything fits, or ProblemsFound with every problem of every file.

Each file that needs more than its shape has a reader of its own: queues.py, agents.py, callers.py, calendars.py.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ivr.costly_numbers import COSTLY_WORDS, costly
from ivr.flow.model import Flows
from ivr.flow.texts import Prompt
from ivr.hours import Hours, is_open
from ivr.loading.draft import SiteFacts
from ivr.loading.loader import load_flows, load_prompts
from ivr.loading.static_speech import spoken_prompts
from ivr.numbers import Allowed, e164
from routing.domain.model import BreakLimit, Directory, QueuePolicy
from routing.domain.requirement import BadRequirement, parse
from server.settings.access import FILE as access_file
from server.settings.access import AccessFile
from server.settings.agents import Outside, Staff, read_agents
from server.settings.calendars import read_hours
from server.settings.callers import CallerLists, read_callers
from server.settings.files import HotlineFile, NumbersFile
from server.settings.policies import policy_from
from server.settings.queues import read_queues
from server.settings.reading import Anything, Reading
from server.settings.recordings import recording_problems
from server.settings.site import Site
from server.settings.strays import stray_problems
from server.settings.takers import Takers
from server.settings.trunks import Trunk, TrunksFile
from sources.problems import Position, Problem, ProblemsFound, suggest
from sources.schema import find
from sources.source import read_source


def load_site(config: Path, dialplans: Path) -> Site:
    """Read and check everything. Raises only ProblemsFound."""
    _must_be_there(config, dialplans)
    reading = Reading(config)
    main = reading.file("hotline.yaml", HotlineFile)
    numbers = reading.file("numbers.yaml", NumbersFile)
    hours = read_hours(reading)
    languages = main.languages if "hotline.yaml" in reading.sources else Anything()
    queues = read_queues(reading, languages)
    trunks = reading.file("trunks.yaml", TrunksFile).trunks
    may_dial = Allowed(main.transfer.allow, main.emergency)
    outbound = any(trunk.outbound for trunk in trunks.values()) or reading.faulty("trunks.yaml")
    judged = may_dial if not reading.faulty("hotline.yaml") else lambda number: True
    staff = read_agents(reading, queues, Outside({*numbers.numbers, *main.emergency}, judged, outbound), main.time_zone)
    callers, access = read_callers(reading, main.country), reading.file(access_file, AccessFile)
    _check_main(reading, main, may_dial)
    _check_trunks(reading, trunks)
    facts = replace(_facts(reading, main, staff, judged), **_judged_by_agents(reading, queues, staff))
    facts = replace(facts, caller_lists=reading.names("callers.yaml", "lists"))
    flows = reading.collect(lambda: load_flows(dialplans, facts, reading.problems.append))
    _check_numbers(reading, numbers, main.country, _flow_names(dialplans) if flows is None else set(flows))
    _check_recordings(reading, main, flows)
    reading.problems.extend(stray_problems(config, dialplans, _named_files(main, callers)))
    if flows is None or not all(problem.warning for problem in reading.problems):
        raise ProblemsFound(reading.problems)
    return Site(
        config,
        main,
        _directory(main, hours, queues, staff),
        hours,
        numbers.numbers,
        numbers.default,
        trunks,
        flows,
        may_dial,
        callers,
        staff.phones,
        staff.logins,
        tuple(sorted(set(reading.problems))),
        access,
    )


def _must_be_there(config: Path, dialplans: Path) -> None:
    """Without the first folder it is the option that is wrong, and there is nothing to read."""
    if not config.is_dir():
        folders = {"--config": config, "--dialplans": dialplans}
        raise ProblemsFound(
            Problem(Position(str(path)), "there is no such folder", f"name your site's with {option} DIR")
            for option, path in folders.items()
            if not path.is_dir()
        )


def _facts(reading: Reading, main: HotlineFile, staff: Staff, may_dial: Callable[[str], bool]) -> SiteFacts:
    """What flows may refer to."""
    path = reading.config / "prompts.yaml"
    prompts: Mapping[str, Prompt] = (reading.collect(lambda: load_prompts(path)) if path.exists() else None) or {}
    agents = reading.names("agents.yaml", "agents")
    return SiteFacts(
        queues=reading.names("queues.yaml", "queues"),
        hours=reading.names("hours.yaml", "hours"),
        languages=tuple(main.languages) if "hotline.yaml" in reading.sources else (),
        prompts=prompts,
        every_prompt=not reading.faulty("prompts.yaml"),
        skills=None if reading.faulty("agents.yaml") else _required_words(staff),
        agents=agents,
        transfer_allowed=may_dial,
        transfer_costly=lambda number: _why_costly(main, number),
        requirement_fault=lambda text: _fault(text, agents),
    )


def _why_costly(main: HotlineFile, number: str) -> str:
    """Why a number is not dialled though a pattern allows it; "" when nothing is against it."""
    why = None if number in main.emergency else costly(number, main.country, refuse=main.outbound.refuse, allow=main.outbound.costly)
    return COSTLY_WORDS[why] if why else ""


def _judged_by_agents(reading: Reading, queues: Mapping[str, QueuePolicy], staff: Staff) -> dict[str, Any]:
    """What flows are warned of, by who is there; nothing while one of the two files is wrong. Queues that nobody serves are reported,
    too."""
    if any(reading.faulty(name) or name not in reading.sources for name in ("queues.yaml", "agents.yaml")):
        return {}
    takers = Takers(queues, staff.agents)
    for queue in takers.without():
        message, hint = f"nobody serves the queue '{queue}'", "add it to the queues of an agent in config/agents.yaml"
        reading.say("queues.yaml", ("queues", queue), message, hint, at_key=True, warning=True)
    return {
        "nobody": takers.nobody,
        "preferred_ms": {name: policy.preferred_ms for name, policy in queues.items()},
        "last_agent": frozenset(name for name, policy in queues.items() if policy.last_agent_ms),
    }


def _required_words(staff: Staff) -> frozenset[str]:
    """The words that a requirement may use: skills, and attributes with their values (`site = shanghai`); a value in quotes may be any."""
    people = staff.agents.values()
    attributes = {word for agent in people for pair in agent.attributes.items() for word in pair}
    return frozenset(attributes.union(*(agent.skills for agent in people)))


def _flow_names(dialplans: Path) -> Collection[str]:
    """The flows of dialplans/, also of files with mistakes inside."""
    try:
        flows = [find(read_source(path), ("flow",)) for path in dialplans.glob("*.y*ml")]
    except ProblemsFound:
        return Anything()
    return {flow for flow in flows if isinstance(flow, str)} or Anything()


def _check_recordings(reading: Reading, main: HotlineFile, flows: Flows | None) -> None:
    """The files always; their names where everything is known that could say them."""
    known = not reading.faulty("hotline.yaml")
    spoken = spoken_prompts(flows) if flows is not None and known and not reading.faulty("prompts.yaml") else None
    reading.problems.extend(recording_problems(reading.config / "prompts", main.languages if known else (), spoken))


def _named_files(main: HotlineFile, callers: CallerLists) -> set[str]:
    """Files in config/ that other files name."""
    return {main.asterisk.ami_secret_file, main.redis.password_file, *callers.files}


def _check_main(reading: Reading, main: HotlineFile, may_dial: Allowed) -> None:
    """What hotline.yaml refers to."""
    asterisk = main.asterisk
    for file, at in (
        (asterisk.ami_secret_file, ("asterisk", "ami_secret_file")),
        (main.redis.password_file, ("redis", "password_file")),
    ):
        try:
            _ = (reading.config / file).read_text() if file else ""
        except (OSError, ValueError) as error:
            reading.say("hotline.yaml", at, f"cannot be read: {getattr(error, 'strerror', '') or error}", "a file beside this one")
    if asterisk.fallback.dial and not may_dial(asterisk.fallback.dial):
        message = f"the fallback {asterisk.fallback.dial} is no number that may be dialled"
        reading.say("hotline.yaml", ("asterisk", "fallback", "dial"), message, "add a pattern for it under transfer.allow")
    reasons = set(main.pause_reasons.values())
    for reason in main.breaks:
        if reason not in reasons:
            hint = suggest(reason, reasons) or f"give it a digit: pause_reasons: {{1: {reason}}}"
            reading.say("hotline.yaml", ("breaks", reason), f"unknown pause reason '{reason}'", hint, at_key=True)


def _pauses(main: HotlineFile) -> tuple[dict[str, BreakLimit], BreakLimit]:
    """The limits of breaks, by reason, and that of all other pauses."""
    return {reason: policy_from(BreakLimit, limit) for reason, limit in main.breaks.items()}, policy_from(BreakLimit, main.not_ready)


def _directory(main: HotlineFile, hours: Mapping[str, Hours], queues: Mapping[str, QueuePolicy], staff: Staff) -> Directory:
    calendars = {name: partial(is_open, calendar, time_zone=main.time_zone) for name, calendar in hours.items()}
    breaks, not_ready = _pauses(main)
    return Directory(queues, staff.agents, main.routing.choice, breaks, not_ready, calendars=calendars, teams=staff.teams)


def _check_trunks(reading: Reading, trunks: Mapping[str, Trunk]) -> None:
    first, *others = [name for name, trunk in trunks.items() if trunk.outbound] or [""]
    for name in others:
        message = f"the trunk '{first}' is outbound already: calls to the outside leave by one"
        reading.say("trunks.yaml", ("trunks", name, "outbound"), message, "write outbound: no for one of them")


def _check_numbers(reading: Reading, numbers: NumbersFile, country: str, flows: Collection[str]) -> None:
    _check_numbers_twice(reading, numbers, country)
    for number, flow in numbers.numbers.items():
        if flow not in flows:
            reading.say("numbers.yaml", ("numbers", number), f"unknown flow '{flow}'", suggest(flow, flows))
    if numbers.default and numbers.default not in flows:
        reading.say("numbers.yaml", ("default",), f"unknown flow '{numbers.default}'", suggest(numbers.default, flows))


def _check_numbers_twice(reading: Reading, numbers: NumbersFile, country: str) -> None:
    """One number in two spellings (`01012345678` and `+861012345678`) would be answered by one of its flows only."""
    first: dict[str, str] = {}
    for number in numbers.numbers:
        other = first.setdefault(e164(number, country) or number, number)
        if other != number:
            message = f"the number {number} is written twice: {other} is the same"
            reading.say("numbers.yaml", ("numbers", number), message, "remove one of them", at_key=True)


def _fault(requirement: str, agents: Collection[str]) -> str:
    """What is wrong with a requirement, "" if nothing."""
    try:
        unknown = [agent for agent in parse(requirement).agents if agent not in agents]
    except BadRequirement as error:
        return str(error)
    return f"there is no agent '{min(unknown)}' in config/agents.yaml" if unknown else ""
