"""The shape of queues.yaml. The defaults are those of routing (`routing/domain/model.py`)."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from routing.domain.model import QueuePolicy, StaffingRule
from routing.domain.service_level import Formula
from server.settings.policies import PolicySettings
from server.settings.values import DispositionCode, Name, Strategy, WrapUp
from sources.schema import Duration, Settings, Text

Refusal = Literal["rang_out", "declined", "busy", "unreachable"]
QUEUE = QueuePolicy("")  # a queue without settings
CONDITIONS = {"waiting": "waiting", "expected_wait_ms": "expected_wait", "service_level": "service_level", "waited_ms": "waited"}


class ServiceLevel(PolicySettings):
    """So many percent within the threshold, by that formula."""

    threshold_ms: Duration = QUEUE.threshold_ms
    target: int = Field(QUEUE.target, ge=1, le=100)
    formula: Formula = QUEUE.formula
    short_abandon_ms: Duration = QUEUE.short_abandon_ms


class AnnouncePosition(PolicySettings):
    """When a waiting caller hears the position; 0 is never."""

    first_position_ms: Duration = Field(QUEUE.first_position_ms, alias="first")
    every_position_ms: Duration = Field(QUEUE.every_position_ms, alias="every")


class OverflowRule(PolicySettings):
    """One condition, and the queue that takes these callers; without one they leave by the flow's exit `overflowed`."""

    waiting: int = Field(0, ge=1)
    expected_wait_ms: Duration = Field(0, ge=1)
    service_level: int = Field(0, ge=1, le=100)
    waited_ms: Duration = Field(0, ge=1)
    to: str = ""

    @model_validator(mode="after")
    def _one_condition(self) -> Self:
        given = [word for name, word in CONDITIONS.items() if name in self.model_fields_set]
        if len(given) != 1:
            raise ValueError(f"expected exactly one condition of {', '.join(CONDITIONS.values())}, found {' and '.join(given) or 'none'}")
        return self


class QueueFile(PolicySettings):
    """One queue of queues.yaml, or its defaults."""

    names: Text = Field({}, alias="name")
    strategy: Strategy = QUEUE.strategy
    ring_timeout_ms: Duration = QUEUE.ring_timeout_ms
    ring_more_ms: Duration = Field(QUEUE.ring_more_ms, ge=100, alias="ring_more_every")
    tier_delays_ms: tuple[Duration, ...] = Field(tuple(QUEUE.tier_delays_ms), min_length=1)
    wrap_up_ms: WrapUp = QUEUE.wrap_up_ms
    wrap_up_extension_ms: Duration = Field(QUEUE.wrap_up_extension_ms, ge=1)
    dispositions: dict[DispositionCode, str] = {}
    disposition_required: bool = QUEUE.disposition_required
    max_wait_ms: Duration = QUEUE.max_wait_ms
    max_waiting: int = Field(QUEUE.max_waiting, ge=1)
    priority: int = QUEUE.priority
    ageing: float = Field(QUEUE.ageing, ge=0, le=1000)
    weight: float = Field(QUEUE.weight, gt=0)
    service_level: ServiceLevel = ServiceLevel()
    pause_after: dict[Refusal, Annotated[int, Field(ge=0)]] = dict(QUEUE.pause_after)  # type: ignore[assignment]
    refusal_ms: Duration = Field(QUEUE.refusal_ms, alias="offer_again_after")
    hours: str = QUEUE.hours
    join_when: StaffingRule = QUEUE.join_when
    stay_when: StaffingRule = QUEUE.stay_when
    stay_grace_ms: Duration = QUEUE.stay_grace_ms
    overflow: list[OverflowRule] = []
    keep_place_ms: Duration = QUEUE.keep_place_ms
    preferred_ms: Duration = Field(QUEUE.preferred_ms, alias="preferred_for")
    last_agent_ms: Duration = QUEUE.last_agent_ms
    whisper: Text = {}
    accept: bool = QUEUE.accept
    announce_wait: bool = QUEUE.announce_wait
    announce_position: AnnouncePosition = AnnouncePosition()


class QueuesFile(Settings):
    """queues.yaml"""

    defaults: QueueFile = QueueFile()
    queues: dict[Name, QueueFile] = {}
