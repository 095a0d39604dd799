"""Where no `up` watches over the servers of an Asterisk they watch over each other, each over the next one by name.

A frozen server still takes connections, so the next one is asked for a word: a FastAGI session `alive`, which every server closes at once.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from agi.ami.client import AmiClient
from agi.ami.errors import AmiError
from agi.protocol import environment_bytes
from server.asterisk.dialplan_names import ALIVE
from server.cluster.rescue import put_in_list, take_calls_from
from server.cluster.server_list import ServerList
from server.cluster.silence import ASK_EVERY_S, Silence

log = structlog.get_logger(__name__)
LATE_ANSWER_S = 30.0  # a question is not put again while it may be answered
SOMEBODY_WATCHES_S = 1.0  # until it is looked again whether an `up` does
LONGEST_PATIENCE_S = 8.0


class Neighbour:
    """`watched`: whether an `up` watches over this site's servers."""

    def __init__(self, server_list: ServerList, ami: AmiClient, watched: Callable[[], bool]) -> None:
        self._server_list = server_list
        self._ami = ami
        self._watched = watched
        self._silence = Silence()
        self._agi = ""
        self._question: asyncio.Task[bool] | None = None

    async def run(self) -> None:
        """Until cancelled. Its own lateness is no silence; what it took for silence and was not makes it more patient."""
        now = asyncio.get_running_loop().time
        looked_at = now()
        try:
            while True:
                await asyncio.sleep(SOMEBODY_WATCHES_S if self._watched() else ASK_EVERY_S)
                before, looked_at = looked_at, now()
                await self._look(looked_at - before)
        finally:
            self._forget_question()

    async def _look(self, passed_s: float) -> None:
        if self._agi != self._server_list.next_one:
            self._agi, self._silence = self._server_list.next_one, Silence()
            self._forget_question()
        elif self._question is not None and self._question.done() and self._question.result():
            if self._silence.heard():
                self._silence.patience_s = min(LONGEST_PATIENCE_S, 2 * self._silence.patience_s)
                with suppress(AmiError):
                    await put_in_list(self._ami, self._agi)
        elif self._question is not None and self._silence.unheard(passed_s) == "still" and not self._watched():
            await self._take_calls()
        if self._agi and (self._question is None or self._question.done()):
            self._question = asyncio.create_task(is_alive(self._agi))

    async def _take_calls(self) -> None:
        try:
            moved = await take_calls_from(self._ami, self._agi)
        except AmiError as reason:
            log.warning("calls_not_taken", server=self._agi, reason=str(reason))
        else:
            log.warning("server_does_not_answer", server=self._agi, calls_moved=moved)

    def _forget_question(self) -> None:
        if self._question is not None:
            self._question.cancel()
            self._question = None


async def is_alive(agi: str) -> bool:
    """Whether the server at that address (HOST:PORT) says anything, and be it that it closes the connection."""
    host, _, port = agi.rpartition(":")
    writer = None
    try:
        async with asyncio.timeout(LATE_ANSWER_S):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(environment_bytes({"agi_network": "yes", "agi_network_script": ALIVE}))
            await reader.read(1)
            return True
    except ConnectionResetError:
        return True  # it would not talk to us
    except (OSError, TimeoutError, ValueError):
        return False
    finally:
        if writer:
            writer.close()
