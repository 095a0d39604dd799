"""A call centre at work for hours, in seconds: random callers and agents on the real board and the real view, on virtual time.

A discrete-event simulation: arrivals are Poisson, patience is exponential, talks are exponential or lognormal, agents answer after some
seconds. It notes at each arrival what a caller would have been told, and afterwards how long they waited.
"""

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from routing.board.board import restore
from routing.domain.current_directory import CurrentDirectory
from routing.domain.events.contacts import ContactConnected
from routing.domain.messages import AgentAsked, ContactLeft, OfferAnswered, PhoneReported, ServerAlive, TalkEnded
from routing.domain.model import Directory
from routing.domain.orders import OfferOrder
from routing.read_model.view import View
from tests.routing_house import START_MS, CountingIds, arrival, own_phone

Steps = list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Stream:
    """Callers of one kind: so many an hour, who talk so long on average and hang up when they waited too long (0: never)."""

    queue: str
    per_hour: float
    talk_s: float
    patience_s: float = 0.0
    steps: Steps = field(default_factory=lambda: [(0, "")])
    lognormal: float = 0.0  # sigma; 0: exponential talks


@dataclass(slots=True)
class Told:
    """One caller who was served: when they came, what they were told, and what happened; milliseconds."""

    stream: Stream
    at_ms: int
    expected_ms: int | None
    waited_ms: int


class Traffic:
    """`run` for some hours; `told` are those served who came after the first `warm_up_h`."""

    def __init__(self, site: Directory, streams: list[Stream], seed: int, *, ring_s: float = 4.0) -> None:
        self.now = START_MS
        self.chance = random.Random(seed)
        self.view = View(CurrentDirectory(site))
        self.told: list[Told] = []
        self.left = 0
        self._streams = streams
        self._ring_s = ring_s
        self._board = restore(site, CountingIds(), self.now, chance=random.Random(seed))
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._serial = 0
        self._waits: dict[str, tuple[Stream, int, int | None]] = {}  # contact -> stream, when it came, what it was told
        for agent in site.agents.values():
            self.say(PhoneReported(own_phone(agent), "available"), AgentAsked(agent.id, "log_in", "", "node"))
        for stream in streams:
            self._plan_arrival(stream)
        self._show_life()

    def run(self, hours: float, warm_up_h: float = 1.0) -> None:
        """Let that much time pass."""
        end = self.now + round(3_600_000 * hours)
        while True:
            deadline = self._board.next_deadline()
            at = min(self._due[0][0], end if deadline is None else deadline)
            if at >= end:
                break
            self.now = max(self.now, at)
            if deadline is not None and deadline <= self.now:
                self.say()
            else:
                heapq.heappop(self._due)[2]()
        self.told = [one for one in self.told if one.at_ms >= START_MS + 3_600_000 * warm_up_h]

    def say(self, *messages: Any) -> None:
        """Tell the board; what it orders is done, what it tells is followed."""
        for message in messages:
            self._board.apply(message, self.now)
        self._board.advance(self.now)
        changes = self._board.take_changes()
        for event in changes.events:
            self.view.apply(event)
            if isinstance(event.data, ContactConnected):
                stream, at_ms, expected_ms = self._waits.pop(event.contact)
                self.told.append(Told(stream, at_ms, expected_ms, event.data.waited_ms))
        for _, order in changes.orders:
            if isinstance(order, OfferOrder):
                self._after(self.chance.expovariate(1 / self._ring_s) if self._ring_s else 0.0, lambda order=order: self._answer(order))  # type: ignore[misc]

    def _after(self, seconds: float, deed: Callable[[], None]) -> None:
        self._serial += 1
        heapq.heappush(self._due, (self.now + max(1, round(1000 * seconds)), self._serial, deed))

    def _show_life(self) -> None:
        self.say(ServerAlive("node"))
        self._after(1.0, self._show_life)

    def _plan_arrival(self, stream: Stream) -> None:
        self._after(self.chance.expovariate(stream.per_hour / 3600), lambda: self._arrive(stream))

    def _arrive(self, stream: Stream) -> None:
        self._plan_arrival(stream)
        self._serial += 1
        id = f"contact-{self._serial}"
        self._waits[id] = stream, self.now, self.view.expected_wait_ms(stream.queue, stream.steps, self.now)
        self.say(arrival(id, f"call-{id}", "node", stream.queue, stream.steps, self.now))
        if stream.patience_s:
            self._after(self.chance.expovariate(1 / stream.patience_s), lambda: self._give_up(id))

    def _give_up(self, id: str) -> None:
        if id in self._waits:
            del self._waits[id]
            self.left += 1
            self.say(ContactLeft(id, "abandoned"))

    def _answer(self, order: OfferOrder) -> None:
        waits = self._waits.get(order.contact)
        if waits:
            stream = waits[0]
            self.say(OfferAnswered(order.contact, order.offer))
            talk_s = self._talk_s(stream)
            self._after(talk_s, lambda: self.say(TalkEnded(order.contact, order.offer, "caller", round(1000 * talk_s))))

    def _talk_s(self, stream: Stream) -> float:
        if not stream.lognormal:
            return self.chance.expovariate(1 / stream.talk_s)
        mean_of_log = math.log(stream.talk_s) - stream.lognormal**2 / 2
        return self.chance.lognormvariate(mean_of_log, stream.lognormal)
