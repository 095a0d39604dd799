"""Writes down when the steps of a call happen in this server, for `./hotline bench offer --trace`: in a file, when the server ends.

Nothing of it is in the code that is traced: `Recorder.install` wraps the functions in `SEAMS`, and a server that is not traced never
imports this. Times are CLOCK_MONOTONIC in nanoseconds, so that other processes of the machine can set theirs beside them.
"""

import asyncio
import functools
import importlib
from collections import deque
from collections.abc import Callable
from pathlib import Path
from time import monotonic_ns
from typing import Any, Literal

VARIABLE = "HOTLINE_TRACE"  # in the environment of `up`: the folder where each of its servers leaves a file
MOST = 4_000_000  # steps kept; the oldest go
Kind = Literal["call", "wait"]  # a step at the beginning, or also one at the end ("NAME done")
Detail = Callable[[tuple[Any, ...], Any], str]


def _nothing(given: tuple[Any, ...], result: Any) -> str:
    return ""


def _command(given: tuple[Any, ...], result: Any) -> str:
    """The command and what it is about: never the values, which may be a caller's."""
    words = str(given[1]).split(" ", 2)
    return " ".join(words[:2]).replace('"', "")


def _event(given: tuple[Any, ...], result: Any) -> str:
    return str(given[1].get("Event") or "answer")


def _kinds(given: tuple[Any, ...], result: Any) -> str:
    return "+".join(type(each).__name__ for each in given[1:])


def _kind(given: tuple[Any, ...], result: Any) -> str:
    return type(given[1]).__name__


# module, class, function, the name of the step, its kind, and what is added to the name.
SEAMS: tuple[tuple[str, str, str, str, Kind, Detail], ...] = (
    ("agi.channel", "Channel", "connection_made", "AGI connection", "call", _nothing),
    ("agi.server", "FastAgiServer", "ready", "AGI session begins", "call", _nothing),
    ("agi.channel", "Channel", "send", "AGI", "wait", _command),
    ("agi.ami.link", "Link", "_take", "AMI", "call", _event),
    ("agi.phones", "PhoneStates", "is_free", "phone free?", "wait", _nothing),
    ("routing.store.redis", "RedisStore", "post", "post", "wait", _kinds),
    ("routing.store.redis", "RedisStore", "commit", "commit", "wait", _nothing),
    ("routing.board.board", "Board", "apply", "board", "call", _kind),
    ("routing.client.queue_stay", "QueueStay", "notify", "stay", "call", _kind),
    ("routing.client.routing_client", "RoutingClient", "post", "message", "call", _kind),
)


class Recorder:
    """Keeps the steps. `missing` names seams that this version of the program does not have."""

    def __init__(self) -> None:
        self._steps: deque[tuple[int, str]] = deque(maxlen=MOST)
        self.missing: list[str] = []

    def install(self) -> None:
        """Wrap every seam that there is."""
        for module, owner, function, name, kind, detail in SEAMS:
            found = getattr(importlib.import_module(module), owner, None)
            if not hasattr(found, function):
                self.missing.append(f"{module}.{owner}.{function}")
                continue
            wrap = self._waiting if kind == "wait" else self._calling
            setattr(found, function, wrap(getattr(found, function), name, detail))

    def write(self, file: Path) -> None:
        """One step a line: nanoseconds, a tab, its name."""
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", encoding="utf-8") as out:
            out.writelines(f"{at_ns}\t{name}\n" for at_ns, name in self._steps)

    def _calling(self, function: Callable[..., Any], name: str, detail: Detail) -> Callable[..., Any]:
        @functools.wraps(function)
        def traced(*given: Any, **more: Any) -> Any:
            self._steps.append((monotonic_ns(), f"{name} {detail(given, None)}".rstrip()))
            return function(*given, **more)

        return traced

    def _waiting(self, function: Callable[..., Any], name: str, detail: Detail) -> Callable[..., Any]:
        assert asyncio.iscoroutinefunction(function)

        @functools.wraps(function)
        async def traced(*given: Any, **more: Any) -> Any:
            step = f"{name} {detail(given, None)}".rstrip()
            self._steps.append((monotonic_ns(), step))
            result = await function(*given, **more)
            self._steps.append((monotonic_ns(), f"{step} done"))
            return result

        return traced
