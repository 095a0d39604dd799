"""The outside world, scripted: for tests of flows, ours and their authors'. Its clock moves only while a caller waits."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ivr.keys import take_expected
from ivr.ports import DialOutcome, FlowEndReason, FlowPlace, LookupOutcome, LookupReply, LookupRequest, QueueRequest, QueueResult, Speech


class CallerGone(Exception):
    """The scripted caller hung up."""


class VirtualClock:
    """Time that stands still until it is advanced; milliseconds since 1970."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def advance(self, by_ms: int) -> None:
        self._now_ms += by_ms


class ScriptedPhone:
    """A caller who presses `keys` one after another, "" meaning silence until the time-out, and hangs up after the last.

    `early` are keys pressed before anything was asked: they count at once, unless the flow forgets them. `gone`: the caller has hung up.
    """

    def __init__(self, keys: Sequence[str] = "", *, early: str = "", clock: VirtualClock | None = None) -> None:
        self.keys = list(keys)
        self.early = list(early)
        self.clock = clock or VirtualClock()
        self.said: list[str] = []
        self.speech: list[Speech] = []
        self.dialled: list[str] = []
        self.dial_outcome: DialOutcome = "answered"
        self.music_on = False
        self.answered = False
        self.hung_up = False
        self.gone = False

    async def answer(self) -> None:
        self._must_be_here()
        self.answered = True

    async def play(self, speech: Sequence[Speech], *, keys: str = "") -> str:
        self._must_be_here()
        if key := take_expected(self.early, keys):
            return key
        self.music_on = False
        self.speech.extend(speech)
        self.said.extend(piece.text for piece in speech)
        silence = self.keys.index("") if "" in self.keys else len(self.keys)
        pressed = self.early + self.keys[:silence]
        if key := take_expected(pressed, keys):
            self.early.clear()
            self.keys[:silence] = pressed
        return key

    async def wait_key(self, timeout_ms: int) -> str:
        if self.early:
            return self.early.pop(0)
        self.gone = self.gone or not self.keys
        self._must_be_here()
        key = self.keys.pop(0)
        if not key:
            self.clock.advance(timeout_ms)
        return key

    def forget_keys(self) -> None:
        self.early.clear()

    async def music(self, on: bool) -> None:
        self._must_be_here()
        self.music_on = on

    async def dial(self, target: str, timeout_ms: int) -> DialOutcome:
        self._must_be_here()
        self.dialled.append(target)
        return self.dial_outcome

    async def hang_up(self) -> None:
        self.hung_up = True

    def _must_be_here(self) -> None:
        if self.gone:
            raise CallerGone


class ScriptedQueues:
    """A queue desk that gives these results in turn, `answered` once they are used up."""

    def __init__(self, *results: QueueResult) -> None:
        self.results = list(results)
        self.requests: list[QueueRequest] = []

    async def wait(self, request: QueueRequest) -> QueueResult:
        self.requests.append(request)
        return self.results.pop(0) if self.results else QueueResult("answered", agent="smith")


class ScriptedLookup:
    """Answers by part of the address; what nobody scripted gets no answer."""

    def __init__(self, replies: Mapping[str, LookupReply] | None = None) -> None:
        self.replies = dict(replies or {})
        self.requests: list[LookupRequest] = []

    async def fetch(self, request: LookupRequest) -> LookupReply:
        self.requests.append(request)
        for part, reply in self.replies.items():
            if part in request.url:
                return reply
        return LookupReply(0, failure="no reply is scripted for this address")


class RecordedEvents:
    """Keeps what is written: (type, its facts and its place)."""

    def __init__(self) -> None:
        self.all: list[tuple[str, dict[str, Any]]] = []

    def of(self, type: str) -> list[dict[str, Any]]:
        """The facts of every event of that type."""
        return [data for name, data in self.all if name == type]

    def record(self, place: FlowPlace, type: str, **facts: Any) -> None:
        self.all.append((type, {"flow": place.flow, "flow_version": place.version, "node": place.node, **facts}))

    def flow_started(self, place: FlowPlace, *, dnis: str) -> None:
        self.record(place, "flow_started", dnis=dnis)

    def node_entered(self, place: FlowPlace, *, node_type: str, language: str) -> None:
        self.record(place, "node_entered", node_type=node_type, language=language)

    def node_left(self, place: FlowPlace, *, exit: str) -> None:
        self.record(place, "node_left", exit=exit)

    def input_received(self, place: FlowPlace, *, keys: str, understood: bool) -> None:
        self.record(place, "input_received", keys=keys, understood=understood)

    def lookup_answered(self, place: FlowPlace, *, outcome: LookupOutcome, status: int, failure: str) -> None:
        self.record(place, "lookup_answered", outcome=outcome, status=status, failure=failure)

    def flow_failed(self, place: FlowPlace, *, error: str, message: str) -> None:
        self.record(place, "flow_failed", error=error, message=message)

    def flow_ended(self, place: FlowPlace, *, reason: FlowEndReason) -> None:
        self.record(place, "flow_ended", reason=reason)


def presses(script: Iterable[str]) -> list[str]:
    """One list of keys from several entries: `presses(["1", "12345678#", ""])`."""
    return [key for entry in script for key in (entry or [""])]
