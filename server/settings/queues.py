"""Reads queues.yaml: each queue's policy from the defaults and its own settings, and what in it must fit together."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from routing.domain.model import Overflow, QueuePolicy
from server.settings.policies import policy_from
from server.settings.queue_files import QueueFile, QueuesFile
from server.settings.reading import Reading
from sources.problems import ProblemsFound, suggest
from sources.schema import build
from sources.source import Where

FILE = "queues.yaml"


def read_queues(reading: Reading, languages: Collection[str]) -> Mapping[str, QueuePolicy]:
    """Every queue; one with mistakes has the policy of a queue without settings, since they are reported."""
    reading.file(FILE, QueuesFile)
    source = reading.sources.get(FILE)
    data: Any = source.data if source and isinstance(source.data, dict) else {}
    defaults, queues = data.get("defaults", {}), data.get("queues", {})
    if not source or not isinstance(defaults, dict) or not isinstance(queues, dict):
        return {}
    found = {}
    for name, own in queues.items():
        found[name] = QueuePolicy(name)  # what is wrong with it is reported already, for the file
        with suppress(ProblemsFound):
            if isinstance(own, dict):
                found[name] = _policy(name, build(QueueFile, source, ("queues", name), _merged(defaults, own)))
    for name, policy in found.items():
        for where, message, hint in _misfits(policy, found, reading.names("hours.yaml", "hours"), languages):
            here = ("queues", name, *where)
            reading.say(FILE, here if ("queues", name, *where[:1]) in source.values else ("defaults", *where), message, hint)
    _check_circles(reading, found)
    return found


def _policy(name: str, file: QueueFile) -> QueuePolicy:
    return policy_from(QueuePolicy, file, name=name, overflow=tuple(policy_from(Overflow, rule) for rule in file.overflow))


def _merged(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """A queue's own settings before the defaults, also inside of groups; its name is its own."""
    inside = {
        name: _merged(value, own[name])
        for name, value in defaults.items()
        if name != "name" and isinstance(value, dict) and isinstance(own.get(name), dict)
    }
    return {**defaults, **own, **inside}


def _misfits(
    policy: QueuePolicy, queues: Collection[str], calendars: Collection[str], languages: Collection[str]
) -> Iterator[tuple[Where, str, str]]:
    """What does not fit together in a queue: (way inside of it, sentence, hint)."""
    if policy.hours and policy.hours not in calendars:
        yield ("hours",), f"unknown hours '{policy.hours}'", suggest(policy.hours, calendars) or "config/hours.yaml defines them"
    for language in policy.whisper:
        if language and language not in languages:
            yield ("whisper", language), f"the site has no language '{language}'", suggest(language, languages)
    yield from _tiers(policy.tier_delays_ms)
    for at, rule in enumerate(policy.overflow):
        if rule.to == policy.name:
            yield (
                ("overflow", at, "to"),
                "a queue cannot overflow into itself",
                "name another one; without `to` the flow decides",
            )
        elif rule.to and rule.to not in queues:
            yield ("overflow", at, "to"), f"unknown queue '{rule.to}'", suggest(rule.to, queues)
    if policy.disposition_required and not policy.dispositions:
        yield ("disposition_required",), "there are no dispositions to choose from", "list them: dispositions: {1: solved, 2: call back}"
    elif policy.disposition_required and not policy.wrap_up_ms:
        yield ("disposition_required",), "without a wrap-up nobody can give a disposition", "set wrap_up to a time, or to until_done"


def _tiers(delays_ms: Sequence[int]) -> Iterator[tuple[Where, str, str]]:
    if delays_ms[0]:
        yield ("tier_delays", 0), "the first tier is asked at once", "begin with 0s: [0s, 20s] asks tier 2 after 20 s"
    for at in range(1, len(delays_ms)):
        if delays_ms[at] < delays_ms[at - 1]:
            yield ("tier_delays", at), f"tier {at + 1} would be asked before tier {at}", "each delay counts from the caller's joining"


def _check_circles(reading: Reading, queues: Mapping[str, QueuePolicy]) -> None:
    """Queues that overflow into each other would hand a caller round and round."""
    ways = {name: [rule.to for rule in policy.overflow if rule.to in queues and rule.to != name] for name, policy in queues.items()}
    reported: set[str] = set()
    for name in ways:
        circle = _circle(ways, name)
        if circle and not reported.intersection(circle):
            reported.update(circle)
            at = next(at for at, rule in enumerate(queues[name].overflow) if rule.to == circle[1])
            where = ("queues", name, "overflow", at, "to")
            written = where if where in reading.sources[FILE].values else ("defaults", *where[2:])
            reading.say(FILE, written, f"these overflows lead in a circle: {' -> '.join(circle)}", "let one of them end")


def _circle(ways: Mapping[str, Sequence[str]], start: str) -> list[str]:
    """A way from this queue back to it, its name at both ends; [] when there is none."""
    ahead, seen = [[start, way] for way in ways[start]], set[str]()
    while ahead:
        path = ahead.pop()
        if path[-1] == start:
            return path
        if path[-1] not in seen:
            seen.add(path[-1])
            ahead.extend([*path, way] for way in ways[path[-1]])
    return []
