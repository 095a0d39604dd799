"""Reads `config/` and `dialplans/` whole: either a Site in which everything fits, or ProblemsFound with every problem of every file."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from ivr.flow.texts import Prompt
from ivr.hours import Hours, parse_date, parse_holidays, parse_ranges, parse_week
from ivr.loading.draft import SiteFacts
from ivr.loading.loader import load_flows, load_prompts
from ivr.loading.problems import Position, Problem, ProblemsFound, suggest
from ivr.loading.schema import build, find
from ivr.loading.source import Source, Where, read_source
from ivr.numbers import Allowed
from routing.model import AgentProfile, Directory, QueuePolicy
from routing.requirement import BadRequirement, parse
from server.asterisk.trunks import Trunk, TrunksFile
from server.settings.files import (
    AgentFile,
    AgentsFile,
    AllHoursFile,
    HotlineFile,
    HoursFile,
    NumbersFile,
    QueueFile,
    QueuesFile,
)
from server.settings.site import Site

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
REQUIRED = {"hotline.yaml", "numbers.yaml", "queues.yaml", "agents.yaml"}


class _Anything(Collection[str]):
    """The names of a file that could not be read: whatever others refer to may be there, so they are not blamed."""

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def load_site(config: Path, dialplans: Path) -> Site:
    """Read and check everything. Raises only ProblemsFound."""
    return _Reading(config, dialplans).site()


class _Reading:
    """One reading of the folders; problems pile up until the end."""

    def __init__(self, config: Path, dialplans: Path) -> None:
        self.config = config
        self.dialplans = dialplans
        self.problems: list[Problem] = []
        self.sources: dict[str, Source] = {}

    def site(self) -> Site:
        if not self.config.is_dir():  # then it is the option that is wrong, and there is nothing to read
            folders = {"--config": self.config, "--dialplans": self.dialplans}
            raise ProblemsFound(
                Problem(Position(str(path)), "there is no such folder", f"name your site's with {option} DIR")
                for option, path in folders.items()
                if not path.is_dir()
            )
        main = self._file("hotline.yaml", HotlineFile)
        numbers = self._file("numbers.yaml", NumbersFile)
        queues = self._queues()
        agents = self._agents()
        hours = self._hours()
        prompts = self._prompts()
        trunks = self._file("trunks.yaml", TrunksFile).trunks
        may_dial = Allowed(main.transfer.allow, main.emergency)
        self._check_main(main, may_dial)
        self._check_phones(agents, {*numbers.numbers, *main.emergency})
        self._check_trunks(trunks)
        agents_whole = not self._faulty("agents.yaml")
        facts = SiteFacts(
            queues=self._names("queues.yaml", "queues"),
            hours=self._names("hours.yaml", "hours"),
            languages=tuple(main.languages),
            prompts=prompts,
            every_prompt=not self._faulty("prompts.yaml"),
            skills=frozenset(skill for agent in agents.values() for skill in agent.skills) if agents_whole else None,
            transfer_allowed=may_dial,
            requirement_fault=lambda text: _fault(text, self._names("agents.yaml", "agents")),
        )
        flows = self._collect(lambda: load_flows(self.dialplans, facts))
        self._check_numbers(numbers, self._flow_names() if flows is None else set(flows))
        if self.problems or flows is None:
            raise ProblemsFound(self.problems)
        directory = Directory(queues, agents)
        return Site(self.config, main, directory, hours, numbers.numbers, numbers.default, trunks, flows, may_dial)

    def _file(self, name: str, model: type[M]) -> M:
        """A file's settings; what its model says by itself when it is wrong (told) or absent (allowed, unless required)."""
        path = self.config / name
        if not path.exists():
            if name in REQUIRED:
                self.problems.append(Problem(Position(str(path)), "this file is missing", "see docs/config.md for what belongs into it"))
            return model()
        source = self._collect(lambda: read_source(path))
        if source is None:
            return model()
        self.sources[name] = source
        return self._collect(lambda: build(model, source)) or model()

    def _prompts(self) -> Mapping[str, Prompt]:
        path = self.config / "prompts.yaml"
        return (self._collect(lambda: load_prompts(path)) if path.exists() else None) or {}

    def _collect(self, attempt: Callable[[], T]) -> T | None:
        try:
            return attempt()
        except ProblemsFound as found:
            self.problems.extend(found.problems)
            return None

    def _faulty(self, name: str) -> bool:
        """Whether something is wrong with that file."""
        return any(problem.position.file == str(self.config / name) for problem in self.problems)

    def _names(self, name: str, setting: str) -> Collection[str]:
        """What a file defines, its faulty parts included."""
        if name not in self.sources and self._faulty(name):
            return _Anything()
        found: Any = find(self.sources[name], (setting,)) if name in self.sources else {}
        return frozenset(found) if isinstance(found, dict) else _Anything()

    def _flow_names(self) -> Collection[str]:
        """The flows of dialplans/, also of files with mistakes inside."""
        try:
            flows = [find(read_source(path), ("flow",)) for path in self.dialplans.glob("*.y*ml")]
        except ProblemsFound:
            return _Anything()
        return {flow for flow in flows if isinstance(flow, str)} or _Anything()

    def _say(self, file: str, where: Where, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self.sources[file].where(where), message, hint))

    # -- queues and agents -------------------------------------------------------------------------------------------

    def _queues(self) -> Mapping[str, QueuePolicy]:
        self._file("queues.yaml", QueuesFile)
        source = self.sources.get("queues.yaml")
        data: Any = source.data if source and isinstance(source.data, dict) else {}
        defaults, queues = data.get("defaults", {}), data.get("queues", {})
        if not isinstance(defaults, dict) or not isinstance(queues, dict):
            return {}
        found = {}
        for name, own in queues.items():
            found[name] = QueuePolicy(name)  # what is wrong with it is told already, with the file as a whole
            with suppress(ProblemsFound):
                if source and isinstance(own, dict):
                    found[name] = _policy(name, build(QueueFile, source, ("queues", name), _merged(defaults, own)))
        return found

    def _agents(self) -> Mapping[str, AgentProfile]:
        queues = self._names("queues.yaml", "queues")
        agents = self._file("agents.yaml", AgentsFile).agents
        phones: dict[str, str] = {}
        for name, agent in agents.items():
            if agent.phone in phones:
                self._say("agents.yaml", ("agents", name, "phone"), f"phone {agent.phone} is already the phone of '{phones[agent.phone]}'")
            phones.setdefault(agent.phone, name)
            for at, queue in enumerate(agent.queues):
                if queue not in queues:
                    self._say("agents.yaml", ("agents", name, "queues", at), f"unknown queue '{queue}'", suggest(queue, queues))
        return {name: _profile(name, agent, order) for order, (name, agent) in enumerate(agents.items())}

    # -- hours and numbers -------------------------------------------------------------------------------------------

    def _hours(self) -> Mapping[str, Hours]:
        calendars = self._file("hours.yaml", AllHoursFile).hours
        return {name: hours for name, calendar in calendars.items() if (hours := self._calendar(name, calendar))}

    def _calendar(self, name: str, calendar: HoursFile) -> Hours | None:
        before = len(self.problems)
        for days, ranges in calendar.week.items():
            self._value((name, "week", days), partial(parse_week, {days: ranges}))
        whole = self._value((name, "week"), partial(parse_week, calendar.week)) if len(self.problems) == before else None
        dates = {}
        for day, ranges in calendar.dates.items():
            parsed = self._value((name, "dates", day), partial(_date, day, ranges))
            if parsed:
                dates[parsed[0]] = parsed[1]
        holidays = self._value((name, "holidays"), lambda: parse_holidays(calendar.holidays))
        if whole is None or holidays is None or len(self.problems) > before:
            return None
        return Hours(whole, dates, holidays[1], holidays[0])

    def _value(self, where: Where, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except ValueError as error:
            self._say("hours.yaml", ("hours", *where), str(error))
            return None

    def _check_main(self, main: HotlineFile, may_dial: Allowed) -> None:
        """What hotline.yaml refers to."""
        asterisk, at = main.asterisk, ("asterisk", "ami_secret_file")
        if asterisk.ami_secret_file:
            try:
                (self.config / asterisk.ami_secret_file).read_text()
            except (OSError, ValueError) as error:
                self._say("hotline.yaml", at, f"cannot be read: {getattr(error, 'strerror', '') or error}", "a file beside this one")
        if asterisk.fallback.dial and not may_dial(asterisk.fallback.dial):
            message = f"the fallback {asterisk.fallback.dial} is no number that may be dialled"
            self._say("hotline.yaml", ("asterisk", "fallback", "dial"), message, "add a pattern for it under transfer.allow")

    def _check_phones(self, agents: Mapping[str, AgentProfile], numbers: set[str]) -> None:
        for name, agent in agents.items():
            if agent.phone in numbers:
                message = f"phone {agent.phone} is one of the numbers that a flow answers or that call for help"
                self._say("agents.yaml", ("agents", name, "phone"), message, "give the phone another number")

    def _check_trunks(self, trunks: Mapping[str, Trunk]) -> None:
        first, *others = [name for name, trunk in trunks.items() if trunk.outbound] or [""]
        for name in others:
            message = f"the trunk '{first}' is outbound already: calls to the outside leave by one"
            self._say("trunks.yaml", ("trunks", name, "outbound"), message, "write outbound: no for one of them")

    def _check_numbers(self, numbers: NumbersFile, flows: Collection[str]) -> None:
        for number, flow in numbers.numbers.items():
            if flow not in flows:
                self._say("numbers.yaml", ("numbers", number), f"unknown flow '{flow}'", suggest(flow, flows))
        if numbers.default and numbers.default not in flows:
            self._say("numbers.yaml", ("default",), f"unknown flow '{numbers.default}'", suggest(numbers.default, flows))


def _policy(name: str, file: QueueFile) -> QueuePolicy:
    return QueuePolicy(
        name,
        strategy=file.strategy,
        ring_timeout_ms=file.ring_timeout,
        wrap_up_ms=file.wrap_up,
        max_wait_ms=file.max_wait,
        max_waiting=file.max_waiting,
        priority=file.priority,
        threshold_ms=file.service_level.threshold,
        target=file.service_level.target,
        weight=file.weight,
        pause_after={str(outcome): count for outcome, count in file.pause_after.items()},
        refusal_ms=file.offer_again_after,
        join_when=file.join_when,
        first_position_ms=file.announce_position.first,
        every_position_ms=file.announce_position.every,
        names=file.name,
    )


def _merged(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """A queue's own settings before the defaults, also inside of groups; its name is its own."""
    inside = {
        name: _merged(value, own[name])
        for name, value in defaults.items()
        if name != "name" and isinstance(value, dict) and isinstance(own.get(name), dict)
    }
    return {**defaults, **own, **inside}


def _profile(name: str, file: AgentFile, order: int) -> AgentProfile:
    return AgentProfile(name, file.name, file.phone, file.skills, tuple(file.queues), file.wrap_up, order)


def _date(day: str, ranges: str) -> tuple[date, tuple[tuple[int, int], ...]]:
    return parse_date(day), parse_ranges(ranges)


def _fault(requirement: str, agents: Collection[str]) -> str:
    """What is wrong with a requirement, "" if nothing."""
    try:
        unknown = [agent for agent in parse(requirement).agents if agent not in agents]
    except BadRequirement as error:
        return str(error)
    return f"there is no agent '{min(unknown)}' in config/agents.yaml" if unknown else ""
