"""The shape of queues.yaml."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from routing.domain.model import StaffingRule
from routing.domain.service_level import Formula
from server.settings.values import DispositionCode, Name, Strategy, WrapUp
from sources.schema import Duration, Settings, Text

Refusal = Literal["rang_out", "declined", "busy", "unreachable"]
CONDITIONS = ("waiting", "expected_wait", "service_level", "waited")


class ServiceLevel(Settings):
    """So many percent within the threshold, by that formula."""

    threshold: Duration = 20_000
    target: int = Field(80, ge=1, le=100)
    formula: Formula = "offered"
    short_abandon: Duration = 5_000


class AnnouncePosition(Settings):
    """When a waiting caller hears the position; 0 is never."""

    first: Duration = 10_000
    every: Duration = 30_000


class OverflowRule(Settings):
    """One condition, and the queue that takes these callers; without one they leave by the flow's exit `overflowed`."""

    waiting: int = Field(0, ge=1)
    expected_wait: Duration = Field(0, ge=1)
    service_level: int = Field(0, ge=1, le=100)
    waited: Duration = Field(0, ge=1)
    to: str = ""

    @model_validator(mode="after")
    def _one_condition(self) -> Self:
        given = [name for name in CONDITIONS if name in self.model_fields_set]
        if len(given) != 1:
            raise ValueError(f"expected exactly one condition of {', '.join(CONDITIONS)}, found {' and '.join(given) or 'none'}")
        return self


class QueueFile(Settings):
    """One queue of queues.yaml, or its defaults."""

    name: Text = {}
    strategy: Strategy = "longest_idle"
    ring_timeout: Duration = 15_000
    ring_more_every: Duration = Field(5_000, ge=100)
    tier_delays: list[Duration] = Field([0], min_length=1)
    wrap_up: WrapUp = 10_000
    wrap_up_extension: Duration = Field(30_000, ge=1)
    dispositions: dict[DispositionCode, str] = {}
    disposition_required: bool = False
    max_wait: Duration = 600_000
    max_waiting: int = Field(200, ge=1)
    priority: int = 0
    ageing: float = Field(1.0, ge=0, le=1000)
    weight: float = Field(1.0, gt=0)
    service_level: ServiceLevel = ServiceLevel()
    pause_after: dict[Refusal, Annotated[int, Field(ge=0)]] = {"rang_out": 1, "unreachable": 1}
    offer_again_after: Duration = 15_000
    hours: str = ""
    join_when: StaffingRule = "always"
    stay_when: StaffingRule = "always"
    stay_grace: Duration = 30_000
    overflow: list[OverflowRule] = []
    keep_place: Duration = 0
    preferred_for: Duration = 20_000
    last_agent: Duration = 0
    whisper: Text = {}
    accept: bool = False
    announce_wait: bool = False
    announce_position: AnnouncePosition = AnnouncePosition()


class QueuesFile(Settings):
    """queues.yaml"""

    defaults: QueueFile = QueueFile()
    queues: dict[Name, QueueFile] = {}
