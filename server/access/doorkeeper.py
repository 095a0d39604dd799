"""Bans addresses on a running Asterisk of ours: reads its logs, keeps the bans, writes its access list and has it read that again.

Two looks a second at three files; what is read depends on what was written there alone. The bans stand in `bans.json` of the state folder,
and outlive `up`.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import structlog

from server.access.access_list import NAME, RELOAD, access_text, is_in
from server.access.asterisk_log import read_line
from server.access.bans import Ban, Bans
from server.access.log_tail import LogTail
from server.access.rules import AccessRules
from server.disk import write_whole

log = structlog.get_logger(__name__)
LOOK_EVERY_S = 0.5
RELOAD_EVERY_S = 2.0  # however many addresses come: Asterisk reads phones and trunks along with it
TIDY_EVERY_S = 5.0
BANS = "bans.json"
LIFTS = "lift"  # a folder in the state folder: a file in it has the name of an address whose ban is to be lifted


class Doorkeeper:
    """`changed_rules` gives the rules of the site when they have changed, else None; `command` asks Asterisk's command line; people read
    what is given to `say`; `now_s` is seconds since 1970."""

    def __init__(
        self,
        state: Path,
        rules: AccessRules,
        changed_rules: Callable[[], AccessRules | None],
        command: Callable[[str], Awaitable[str]],
        say: Callable[[str], None],
        now_s: Callable[[], float],
    ) -> None:
        self._now_s = now_s
        self._rules = rules
        self._changed_rules = changed_rules
        self._command = command
        self._say = say
        self._state = state
        self._list = state / "etc/asterisk" / NAME
        self._tails = [LogTail(state / "log" / name) for name in ("asterisk.log", "security.log")]
        self.bans = Bans(rules.limits, self._is_spared)
        self._written = ""
        self._reload_at_s = self._tidy_at_s = 0.0

    def prepare(self) -> None:
        """Before Asterisk starts, or is taken over: the bans of before are in force. Raises OSError."""
        self.bans.banned.update(read_bans(self._state))
        with suppress(OSError):
            self._written = self._list.read_text(encoding="utf-8")  # what one that runs has read
        self._list.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._list, self._text())

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look(self._now_s())
            except OSError as error:  # a full disk, for instance: the next look may be better
                log.warning("access_list_not_written", reason=str(error))

    async def look(self, now_s: float) -> None:
        """Take what was written since the last look, and let Asterisk know what follows."""
        self._take_rules()
        banned = [seen.address for tail in self._tails for seen in map(read_line, tail.new_lines()) if seen and self.bans.take(seen, now_s)]
        for address in banned:
            minutes = round((self.bans.banned[address].until_s - now_s) / 60)
            self._say(f"{address} is banned for {minutes} minutes: too many requests that failed, or too many at all")
        lifted = self._lifted()
        over = self.bans.advance(now_s) if now_s >= self._tidy_at_s else []
        if now_s >= self._tidy_at_s:
            self._tidy_at_s = now_s + TIDY_EVERY_S
        if banned or lifted or over:
            self._save()
        await self._write(now_s)

    async def _write(self, now_s: float) -> None:
        text = self._text()
        if text == self._written or now_s < self._reload_at_s:
            return
        write_whole(self._list, text)
        self._written, self._reload_at_s = text, now_s + RELOAD_EVERY_S
        if not await self._command(RELOAD):
            log.warning("access_list_not_read", reason="Asterisk does not answer: it reads the list when it starts")

    def _take_rules(self) -> None:
        rules = self._changed_rules()
        if rules is not None:
            self._rules = rules
            self.bans.limits = rules.limits
            self._say("config/access.yaml has changed and is in force")

    def _is_spared(self, address: str) -> bool:
        return is_in(address, self._rules.spared)

    def _text(self) -> str:
        return access_text(self._rules.deny, self.bans.banned, self._rules.spared)

    def _lifted(self) -> list[str]:
        lifted = []
        with suppress(OSError):
            for request in list((self._state / LIFTS).iterdir()):
                request.unlink()
                if self.bans.lift(request.name.replace("_", ":")):
                    lifted.append(request.name)
        return lifted

    def _save(self) -> None:
        text = json.dumps({address: asdict(ban) for address, ban in self.bans.banned.items()}, indent=1)
        with suppress(OSError):
            write_whole(self._state / BANS, text + "\n")


def read_bans(state: Path) -> dict[str, Ban]:
    """The bans of a state folder, by address; none where the file is missing or broken."""
    try:
        found = json.loads((state / BANS).read_text(encoding="utf-8"))
        return {str(address): Ban(float(ban["since_s"]), float(ban["until_s"]), int(ban["times"])) for address, ban in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def ask_to_lift(state: Path, address: str) -> None:
    """Have a running `up` lift a ban within a second. Raises OSError."""
    folder = state / LIFTS
    folder.mkdir(exist_ok=True)
    (folder / address.replace(":", "_")).touch()
