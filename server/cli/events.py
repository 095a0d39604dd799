"""`./hotline events`: the event log as it is in the store, past and coming, for people or as JSON lines."""

import asyncio
import json
import sys
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

from routing.domain.events.envelope import Event
from routing.store.event_codec import event_text
from routing.store.port import LogGap, Store, StoreUnreachable
from routing.store.redis import RedisStore
from server.cli.options import CommandFailed, Options, say, shown
from server.node_settings import redis_url
from server.settings import load_site
from server.state_folder.folder import StateFolder
from server.state_folder.sockets import private_redis_url
from server.terminal_text import plain, plain_json
from sources.problems import ProblemsFound

BLOCK_MS = 2_000
RETRY_S = 0.5
ENVELOPE = ("call", "contact", "agent", "team", "queue", "flow", "node")


def run(options: Options) -> int:
    """Prints past events, then with --follow new ones until Ctrl-C."""
    given = options.given
    write: Callable[[Event], str] = as_json if given.json else for_people
    try:
        asyncio.run(_show(_store(options), given.call, given.lines, given.follow, lambda event: say(write(event))))
    except StoreUnreachable as reason:
        raise CommandFailed(f"the event log cannot be read; is Hotline running (./hotline up)? {reason}") from None
    return 0


def _store(options: Options) -> Store:
    try:
        url = redis_url(load_site(options.config, options.dialplans))
    except ProblemsFound:
        url = ""  # a mistake in the settings must not hide what happened
    if url:
        return RedisStore(url, log_refusals=False)
    if not StateFolder(options.state).started_before:
        raise CommandFailed(f"Hotline has never run here: start it with ./hotline up (state folder: {shown(options.state)})")
    return RedisStore(private_redis_url(options.state))


async def _show(store: Store, call: str, lines: int, follow: bool, show: Callable[[Event], None]) -> None:
    past: deque[Event] = deque(maxlen=max(lines, 0))
    after = "0"
    try:
        while True:
            after, batch = await _next(store, after, 0)
            if not batch:
                break
            past.extend(event for event in batch if call in ("", event.call))
        for event in past:
            show(event)
        while follow:
            try:
                after, batch = await _next(store, after, BLOCK_MS)
                for event in batch:
                    if call in ("", event.call):
                        show(event)
            except StoreUnreachable:  # it is started again, and goes on where it was
                await asyncio.sleep(RETRY_S)
    finally:
        await store.close()


async def _next(store: Store, after: str, block_ms: int) -> tuple[str, list[Event]]:
    """The next events, and the position behind them. What was dropped before we read it is said beside them, not among them."""
    while True:
        try:
            found = await store.events(after, block_ms=block_ms)
            return (found[-1][0] if found else after), [event for _, event in found]
        except LogGap as gap:
            print(f"hotline: {gap}; this command was slower than events come", file=sys.stderr, flush=True)
            after = gap.dropped


def as_json(event: Event) -> str:
    """The envelope, without the fields that do not apply."""
    return plain_json(json.loads(event_text(event)))


def for_people(event: Event) -> str:
    """One line: when, what, about whom, and what else there is to say."""
    at = datetime.fromtimestamp(event.at_ms / 1000)
    about = {name: value for name in ENVELOPE if (value := getattr(event, name))}
    known = about | json.loads(event_text(event)).get("data", {})
    details = " ".join(f"{name}={_brief(value)}" for name, value in known.items() if value not in ("", [], {}, None))
    return plain(f"{at:%H:%M:%S}.{at.microsecond // 1000:03}  {event.type:24} {details}".rstrip())


def _brief(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
