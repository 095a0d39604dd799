"""Flows from a few lines of YAML, walked by scripted callers."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ivr.call import CallContext
from ivr.flow.model import Flows
from ivr.hours import Hours, parse_week
from ivr.interpreter import Ended, Interpreter
from ivr.loading.draft import SiteFacts
from ivr.loading.loader import load_files
from ivr.testing import CallerGone, RecordedEvents, ScriptedLookup, ScriptedPhone, ScriptedQueues
from sources.problems import ProblemsFound

Load = Callable[..., Flows]
MakeSite = Callable[..., SiteFacts]
ProblemsOf = Callable[..., list[str]]

SITE: dict[str, Any] = {
    "queues": ("billing", "technical"),
    "hours": ("office",),
    "languages": ("zh", "en"),
    "skills": ("billing", "lang_zh", "lang_en"),
    "transfer_allowed": lambda number: number == "1000",
}


@dataclass
class Walked:
    """What a call left behind."""

    phone: ScriptedPhone
    queues: ScriptedQueues
    lookup: ScriptedLookup
    events: RecordedEvents
    call: CallContext
    ended: Ended | None = None

    @property
    def visited(self) -> list[str]:
        return [data["node"] for data in self.events.of("node_entered")]

    @property
    def exits(self) -> list[str]:
        return [data["exit"] for data in self.events.of("node_left")]


@pytest.fixture
def site() -> MakeSite:
    return lambda **other: SiteFacts(**{**SITE, **other})


@pytest.fixture
def load(tmp_path: Path, site: MakeSite) -> Load:
    """Flows from YAML texts, one per file."""

    def load_texts(*texts: str, **facts: Any) -> Flows:
        files = []
        for number, text in enumerate(texts):
            path = tmp_path / f"flow{number}.yaml"
            path.write_text(text, encoding="utf-8")
            files.append(path)
        return load_files(files, site(**facts))

    return load_texts


@pytest.fixture
def problems_of(load: Load, tmp_path: Path) -> ProblemsOf:
    """The problems of YAML texts, each without its folder."""

    def found(*texts: str, **facts: Any) -> list[str]:
        try:
            load(*texts, **facts)
        except ProblemsFound as error:
            return [str(problem).replace(f"{tmp_path}/", "") for problem in error.problems]
        return []

    return found


@dataclass
class Walker:
    """Walks one call through flows; the caller's hang-up ends it without an `ended`."""

    load: Load
    gone: tuple[type[BaseException], ...] = (CallerGone,)
    hours: Mapping[str, Hours] = field(default_factory=lambda: {"office": Hours(week=parse_week({"mon-fri": "09:00-18:00"}))})

    async def __call__(
        self,
        text: str,
        keys: Sequence[str] = "",
        *more: str,
        phone: ScriptedPhone | None = None,
        queues: ScriptedQueues | None = None,
        lookup: ScriptedLookup | None = None,
        call: CallContext | None = None,
        flow: str = "f",
    ) -> Walked:
        walked = Walked(
            phone or ScriptedPhone(keys),
            queues or ScriptedQueues(),
            lookup or ScriptedLookup(),
            RecordedEvents(),
            call or CallContext("call-1", ani="+8613812345678", dnis="4000", language="en"),
        )
        interpreter = Interpreter(
            self.load(text, *more),
            walked.phone,
            walked.queues,
            walked.lookup,
            walked.events,
            walked.phone.clock,
            hours=self.hours,
            time_zone="Asia/Shanghai",
            gone=self.gone,
        )
        with contextlib.suppress(CallerGone):
            walked.ended = await interpreter.run(walked.call, flow)
        return walked


@pytest.fixture
def walk(load: Load) -> Walker:
    return Walker(load)
