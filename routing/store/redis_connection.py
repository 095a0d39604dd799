"""The way to one Redis or Valkey: its connections, and what is made of its silence and its refusals.

Two connection pools: one for commands, one for readers that block, so that waiting for news never delays a command. Nothing is sent
twice by itself: whoever gets StoreUnreachable does not know whether the command was done, and decides.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from routing.store.port import StoreRefused, StoreTakesNoWrites, StoreUnreachable
from routing.store.refusals import Writes, is_login_refusal, login_refusal, write_refusal

log = structlog.get_logger(__name__)

ANSWER_S = 3.0  # a server that takes longer to answer a command counts as unreachable
FIRST_REFUSED_S, LONGEST_REFUSED_S = 1.0, 30.0  # until a server that did not let us in is asked again
COMMANDS, READERS = 16, 256  # connections at most, of each pool


def connect_to(url: str, most: int, answer_s: float | None) -> "Redis":
    """A client of one pool for `redis://`, `rediss://` or `unix://` addresses; texts come back as str, nothing is tried twice.

    With `answer_s` redis-py sends under asyncio.wait_for, which in Python 3.11 loses a cancellation that comes in the same turn of the
    loop: a reader that blocks must do without, or its task goes on for ever.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=most,
        timeout=ANSWER_S,
        socket_timeout=answer_s,
        socket_connect_timeout=ANSWER_S,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )
    return Redis(connection_pool=pool)


class RedisConnection:
    """The Redis at `url`. `log_refusals`: log when it does not let us in, or takes no writes. `folder`: where it keeps its data."""

    def __init__(self, url: str, *, log_refusals: bool, folder: str) -> None:
        self.address = url.rpartition("@")[2] if "@" in url else url  # without user and password
        self.writes = Writes(self.address, time.monotonic, is_logged=log_refusals)
        self._folder = folder
        self.commands = connect_to(url, COMMANDS, ANSWER_S)
        self.readers = connect_to(url, READERS, None)
        self._log_refusals = log_refusals
        self._refused: StoreRefused | None = None
        self._refused_pause_s = FIRST_REFUSED_S
        self._refused_until = 0.0

    async def close(self) -> None:
        """Let go of both pools."""
        await self.commands.aclose(close_connection_pool=True)
        await self.readers.aclose(close_connection_pool=True)

    async def entries(self, stream: str, after: str, block_ms: int, limit: int) -> list[tuple[str, dict[str, str]]]:
        """Entries of a stream behind `after`; waits up to `block_ms` for the first one."""
        client = self.readers if block_ms > 0 else self.commands
        async with self.reaching(), asyncio.timeout(max(block_ms, 0) / 1000 + ANSWER_S):
            reply: Any = await client.xread({stream: after}, count=limit, block=block_ms if block_ms > 0 else None)
        return list(reply[0][1]) if reply else []

    @asynccontextmanager
    async def reaching(self) -> AsyncIterator[None]:
        """Around every command: what goes wrong is StoreUnreachable, StoreRefused or StoreTakesNoWrites, with what to do."""
        if self._refused and asyncio.get_running_loop().time() < self._refused_until:
            raise StoreRefused(str(self._refused))
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        try:
            yield
            self._let_in()
            if task and task.cancelling() > before:  # lost, see connect_to
                raise asyncio.CancelledError
        except (RedisError, OSError) as error:
            if task and task.cancelling() > before:  # lost behind an error
                raise asyncio.CancelledError from error
            if is_login_refusal(error):
                raise self._was_refused(error) from error
            if why := write_refusal(error, self._folder):
                raise StoreTakesNoWrites(self.writes.refuse(why)) from error
            if isinstance(error, RedisConnectionError | RedisTimeoutError | OSError):
                said = f"does not answer ({error or type(error).__name__}); check that it runs and that redis.url is right"
                raise StoreUnreachable(f"Redis at {self.address} {said}") from error
            raise StoreUnreachable(f"Redis at {self.address} refused a command: {error}; see its log") from error

    def _was_refused(self, error: Exception) -> StoreRefused:
        """Says so once; until the pause is over, which grows, Redis is not asked again."""
        now, before = asyncio.get_running_loop().time(), self._refused
        self._refused = StoreRefused(f"Redis at {self.address} {login_refusal(error)}")
        if self._log_refusals and (before is None or str(before) != str(self._refused)):
            log.error("redis_refused", reason=str(self._refused))
        if now >= self._refused_until:  # several that were under way at once are one refusal
            self._refused_until = now + self._refused_pause_s
            self._refused_pause_s = min(2 * self._refused_pause_s, LONGEST_REFUSED_S)
        return self._refused

    def _let_in(self) -> None:
        if self._refused:
            log.info("redis_lets_us_in", address=self.address)
            self._refused, self._refused_pause_s = None, FIRST_REFUSED_S
