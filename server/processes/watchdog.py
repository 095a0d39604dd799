"""Watches over one server node: takes its calls from it when it is frozen, and ends it when that lasts, so that it is started again."""

import asyncio
from pathlib import Path
from typing import Protocol

from server.cluster.silence import ASK_EVERY_S, END_AFTER_S, Silence, Verdict
from server.processes.keeping import Say

LATE_ANSWER_S = 30.0  # a question is not put again while it may be answered


class Watched(Protocol):
    """The node. `serving` is set while it should answer."""

    name: str
    serving: asyncio.Event

    @property
    def pid(self) -> int: ...

    async def answers(self, within_s: float) -> bool: ...

    def kill(self) -> None: ...


class Calls(Protocol):
    """Where its calls can be taken from it: `SiteCalls`."""

    async def take_from(self, agi: str) -> int | None: ...

    async def give_back(self, agi: str) -> None: ...


class Watchdog:
    """`agi` is where Asterisk reaches the node (HOST:PORT)."""

    def __init__(self, node: Watched, calls: Calls, agi: str, say: Say) -> None:
        self._node = node
        self._calls = calls
        self._agi = agi
        self._say = say
        self._silence = Silence()
        self._work = Work(0)
        self._question: asyncio.Task[bool] | None = None

    async def watch(self) -> None:
        """Ask four times a second, until cancelled."""
        now = asyncio.get_running_loop().time
        looked_at = now()
        try:
            while True:
                await asyncio.sleep(ASK_EVERY_S)
                before, looked_at = looked_at, now()
                await self._look(looked_at - before)
        finally:
            self._forget_question()

    async def _look(self, passed_s: float) -> None:
        """What has come of the question that was put last; put the next one."""
        if not self._node.pid or not self._node.serving.is_set() or self._work.pid != self._node.pid:
            self._silence, self._work = Silence(), Work(self._node.pid)  # another process: nothing is known of it
            self._forget_question()
        elif self._question is not None:
            worked_s, held_up_s = self._work.since()
            if not self._question.done() or not self._question.result():
                await self._judge(self._silence.unheard(passed_s, worked_s=worked_s, held_up_s=held_up_s))
            elif self._silence.heard():
                await self._calls.give_back(self._agi)
        if self._question is None or self._question.done():
            self._question = asyncio.create_task(self._node.answers(LATE_ANSWER_S))

    async def _judge(self, verdict: Verdict) -> None:
        if verdict == "still":
            moved = await self._calls.take_from(self._agi)
            what = "its calls cannot be moved: Asterisk does not answer either" if moved is None else f"{moved} of its calls hear music"
            self._say(f"{self._node.name} does not answer; {what}")
        elif verdict == "dead":
            self._say(f"{self._node.name} has not answered for {END_AFTER_S:g} s and is ended")
            self._node.kill()

    def _forget_question(self) -> None:
        if self._question is not None:
            self._question.cancel()
            self._question = None


class Work:
    """What the main thread of a process does with its time, as the system counts it; nothing where the system does not count."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._before = self._now()

    def since(self) -> tuple[float, float]:
        """Seconds at work, and seconds waiting for a processor, since this was asked last."""
        before, self._before = self._before, self._now()
        return self._before[0] - before[0], self._before[1] - before[1]

    def _now(self) -> tuple[float, float]:
        try:
            worked, held_up, _ = Path(f"/proc/{self.pid}/schedstat").read_text().split()
            return int(worked) / 1e9, int(held_up) / 1e9
        except (OSError, ValueError):
            return 0.0, 0.0
