"""What routing needs from the outside world. `WaitingCaller` is a caller who waits; the store has its own file, store/port.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from routing.domain.outcomes import EndedBy, EndReason, OfferOutcome, Refusal
from routing.domain.phone_address import PhoneAddress

Progress = Literal["ringing", "answered", "transferred"]  # transferred: the agent is out, the caller talks on to somebody else


@dataclass(frozen=True, slots=True)
class Offer:
    """One contact offered to one agent on one phone. The agent hears `whisper` (language -> text) before being connected."""

    id: str
    contact: str
    agent: str
    phone: PhoneAddress
    ring_timeout_ms: int
    queue: str
    whisper: Mapping[str, str] = field(default_factory=dict)
    accept: bool = False  # the agent presses 1 to be connected; anything else declines
    auto_answer: bool = False  # the phone is asked to answer by itself


@dataclass(frozen=True, slots=True)
class OfferResult:
    """How an offer ended. With `answered` it ended after the talk: `talk_ms` between the bridge's two ends, `ended_by` who hung up first;
    `reason` is why the system did. Of another outcome `refusal` says more, `redirected_to` the number that the phone named."""

    outcome: OfferOutcome
    ring_ms: int = 0
    talk_ms: int = 0
    ended_by: EndedBy = ""
    reason: EndReason = ""
    refusal: Refusal = ""
    redirected_to: str = ""


class WaitingCaller(Protocol):
    """A waiting caller. Every coroutine may raise the implementation's own exception when the caller is gone."""

    async def music(self) -> None:
        """Start the music; it goes on by itself until something else is done."""

    async def announce(self, kind: Literal["position", "comfort"], *, position: int, wait_ms: int | None) -> None:
        """Say it to the caller; returns when said or interrupted, with the music on again unless interrupted.

        The words may have to be made first: the music goes on meanwhile, and an interruption ends that, too.
        """

    async def interrupt(self) -> None:
        """End a running announcement at once, said or still being made; harmless when there is none."""

    async def ring(self, offer: Offer, progress: Callable[[Progress], None]) -> OfferResult:
        """Ring the agent and connect; returns when the talk is over or nobody answered. Music plays to the caller until the answer.

        While others ring it rings beside them: the first to answer gets the caller, the others' `ring` then returns withdrawn.
        Each returns as soon as its own end is known. `progress` gets `answered` when the two are connected.
        """

    async def withdraw(self, offer: str) -> bool:
        """Stop ringing that offer without a missed-call mark; `ring` then returns withdrawn, also where it was answered a moment ago.

        False when it is too late: they talk on, and `ring` returns when that is over.
        """

    async def next_key(self) -> str:
        """The next key the caller presses while music plays or a phone rings."""

    async def gone(self) -> None:
        """Returns when the caller is not at this server any more; never raises."""

    async def call_over(self) -> bool:
        """After `gone`: whether the call is over. False when it goes on at another server."""

    @property
    def end_reason(self) -> EndReason:
        """After `call_over`: why the call ended, where that is known and the caller did not hang up."""


class Clock(Protocol):
    """The time, in milliseconds since 1970-01-01 UTC."""

    def now_ms(self) -> int: ...


class Ids(Protocol):
    """Where ids come from: unique, short, with their kind in front (`contact-7f3a...`)."""

    def new(self, kind: str) -> str: ...
