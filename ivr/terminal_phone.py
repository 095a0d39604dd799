"""A telephone in a terminal: prompts appear as text, keys are typed and sent with Enter; an empty line is silence, `q` hangs up.

Nothing is pretended: a queue or a transfer is printed, and the person at the keyboard says how it went.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import cast, get_args

from ivr.call import CallContext
from ivr.flow.model import Flows
from ivr.interpreter import Ended, Interpreter
from ivr.keys import take_expected
from ivr.ports import ALL_KEYS, Clock, DialOutcome, Lookup, QueueOutcome, QueueRequest, QueueResult, Speech
from ivr.premises import Premises
from ivr.trace import Trace

ReadLine = Callable[[str], Awaitable[str]]
Write = Callable[[str], None]


class HungUp(Exception):
    """The person at the keyboard hung up."""


async def read_from_keyboard(prompt: str) -> str:
    """A line from standard input. Raises HungUp at its end."""
    try:
        return await asyncio.to_thread(input, prompt)
    except EOFError:
        print()  # the question stands there without an end of line
        raise HungUp from None


class TerminalPhone:
    """A Phone and a QueuePort for one person. Time-outs are not kept: an entry is over at the end of the line."""

    def __init__(self, read_line: ReadLine, write: Write, premises: Premises, clock: Clock) -> None:
        self._premises = premises
        self._clock = clock
        self._read_line = read_line
        self._write = write
        self._typed: list[str] = []
        self._line_over = False  # the end of a line stands for the pause after an entry
        self._gone = False

    async def answer(self) -> None:
        self._must_be_here()
        self._write("(the line is answered)")

    async def play(self, speech: Sequence[Speech], *, keys: str = "") -> str:
        self._must_be_here()
        if key := take_expected(self._typed, keys):
            return key
        for piece in speech:
            name = f"  [{piece.recording}]" if piece.recording else ""
            self._write(f"  {piece.language}  {piece.text}{name}")
        self._line_over = self._line_over and not speech
        return ""

    async def wait_key(self, timeout_ms: int) -> str:
        if not self._typed:
            if self._line_over:
                self._line_over = False
                return ""
            await self._type(f"keys (Enter alone: silence for {timeout_ms / 1000:g} s)> ")
        return self._typed.pop(0) if self._typed else ""

    async def _type(self, prompt: str) -> None:
        while True:
            line = await self._line(prompt)
            keys = [key for key in line if not key.isspace()]
            if all(key in ALL_KEYS for key in keys):
                self._typed, self._line_over = keys, bool(keys)
                return
            self._write(f"A telephone has the keys {ALL_KEYS} only; q hangs up.")

    def forget_keys(self) -> None:
        self._typed.clear()
        self._line_over = False

    async def music(self, on: bool) -> None:
        self._must_be_here()
        if on:
            self._write("  (music)")

    async def dial(self, target: str, timeout_ms: int) -> DialOutcome:
        self._write(f"-> transfer to {target}, ringing for at most {timeout_ms / 1000:g} s")
        if not self._premises.may_dial(target):
            self._write("   not_allowed: the site allows no transfer to this number (transfer.allow in config/hotline.yaml)")
            return "not_allowed"
        return cast(DialOutcome, await self._choose(get_args(DialOutcome)))

    async def hang_up(self) -> None:
        self._write("(hung up)")

    async def wait(self, request: QueueRequest) -> QueueResult:
        self._write(f"-> queue {request.queue}, priority {request.priority}")
        for after_ms, requirement in request.steps:
            self._write(f"   after {after_ms / 1000:g} s: {requirement or 'any agent of the queue'}")
        if request.place_from_ms:
            self._write("   the caller was here before and has the old place")
        for title, agents in (("waits first for", request.preferred), ("is never offered to", request.exclude)):
            if agents:
                self._write(f"   {title} {', '.join(agents)}")
        for name, value in request.data.items():
            self._write(f"   the agent sees {name}: {value}")
        if not self._premises.is_open(request.queue, self._clock.now_ms()):
            self._write("   closed: the hours of the queue say so (config/queues.yaml)")
            return QueueResult("closed")
        outcomes = [name for name in get_args(QueueOutcome) if name != "exit_key" or request.exit_keys]
        outcome = cast(QueueOutcome, await self._choose(outcomes))
        if outcome != "exit_key":
            return QueueResult(outcome)
        return QueueResult(outcome, key=await self._choose(list(request.exit_keys)))

    async def _choose(self, choices: Sequence[str]) -> str:
        """One of the choices, asked for until it is one; the first with Enter."""
        while True:
            typed = await self._line(f"how does it end? {' | '.join(choices)} [{choices[0]}]> ")
            if not typed or typed in choices:
                return typed or choices[0]

    async def _line(self, prompt: str) -> str:
        self._must_be_here()
        line = (await self._read_line(prompt)).strip()
        self._gone = line.lower() in ("q", "quit", "exit")
        self._must_be_here()
        return line

    def _must_be_here(self) -> None:
        if self._gone:
            raise HungUp


async def try_flow(
    flows: Flows,
    flow_name: str,
    lookup: Lookup,
    clock: Clock,
    premises: Premises,
    call: CallContext,
    *,
    read_line: ReadLine = read_from_keyboard,
    write: Write = print,
) -> Ended | None:
    """Walk a flow at the keyboard and print the way taken; None when the person hung up. Raises KeyError for an unknown flow."""
    phone = TerminalPhone(read_line, write, premises, clock)
    trace = Trace(clock)
    interpreter = Interpreter(
        flows,
        phone,
        phone,
        lookup,
        trace,
        clock,
        hours=premises.hours,
        time_zone=premises.time_zone,
        currency=premises.currency,
        gone=(HungUp,),
    )
    try:
        return await interpreter.run(call, flow_name)
    except HungUp:
        return None
    finally:
        write("The way taken:")
        for step in trace.steps:
            write(f"  {step}")
