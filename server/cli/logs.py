"""`./hotline logs`: the last lines of the log files, and new ones as they come. The server's JSON lines are made readable."""

import json
import time
from collections import deque
from datetime import datetime
from pathlib import Path
from typing import Any

from server.cli.options import CommandFailed, Options, say, shown
from server.state_folder.folder import LOGS, StateFolder
from server.terminal_text import plain

LOOK_EVERY_S = 0.3


def run(options: Options) -> int:
    """Prints past lines, then with --follow new ones until Ctrl-C."""
    given, state = options.given, StateFolder(options.state)
    parts = [given.part] if given.part else list(LOGS)
    tails = [Tail(part, state.path / "log" / name) for part in parts for name in LOGS[part]]
    found = any(state.log_files(part) for part in parts)
    if not found and not given.follow:
        raise CommandFailed(f"there is no log in {shown(state.path / 'log')}: start Hotline with ./hotline up")
    for tail in tails:
        _print(tail.last(given.lines), tail.part, len(parts) > 1, given.json)
    while given.follow:
        time.sleep(LOOK_EVERY_S)
        for tail in tails:
            _print(tail.new(), tail.part, len(parts) > 1, given.json)
    return 0


class Tail:
    """A file that grows; one that is replaced or made shorter is read from its beginning."""

    def __init__(self, part: str, path: Path) -> None:
        self.part = part
        self._path = path
        self._at = 0
        self._inode = 0
        self._rest = b""

    def last(self, lines: int) -> list[str]:
        """The last lines; `new` goes on behind them."""
        return list(deque(self.new(), maxlen=max(lines, 0)))

    def new(self) -> list[str]:
        """Complete lines that were not read yet; none while there is no such file."""
        try:
            with self._path.open("rb") as file:
                facts = self._path.stat()
                if facts.st_ino != self._inode or facts.st_size < self._at:
                    self._inode, self._at, self._rest = facts.st_ino, 0, b""
                file.seek(self._at)
                content = self._rest + file.read()
                self._at = file.tell()
        except FileNotFoundError:
            return []
        *complete, self._rest = content.split(b"\n")
        return [line.decode(errors="replace") for line in complete]


def _print(lines: list[str], part: str, named: bool, as_it_is: bool) -> None:
    for line in lines:
        for text in [line] if as_it_is else readable(line).splitlines() or [""]:
            say(plain(f"{part:8} | {text}" if named else text))


def readable(line: str) -> str:
    """A JSON line as `time level event name=value ...`, a traceback in lines behind it; any other line as it is."""
    try:
        facts: Any = json.loads(line)
    except (ValueError, RecursionError):
        return line
    if not isinstance(facts, dict) or "event" not in facts:
        return line
    at = _local(str(facts.pop("timestamp", "")))
    level, event = facts.pop("level", ""), facts.pop("event")
    facts.pop("logger", "")
    traceback = str(facts.pop("exception", ""))
    details = " ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}" for name, value in facts.items()
    )
    return "\n    ".join([f"{at} {level:8} {event} {details}".rstrip(), *traceback.splitlines()])


def _local(timestamp: str) -> str:
    """The time of day here, as Asterisk and Redis write it, too."""
    try:
        return datetime.fromisoformat(timestamp).astimezone().isoformat(timespec="milliseconds")[11:23]
    except ValueError:
        return timestamp
