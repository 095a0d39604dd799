"""Lua files as functions with named inputs. The names are read from the file's own first `local` lines, so two languages cannot disagree.

A script is called by the hash of its text: old and new servers run their own versions side by side, and a server that lost
its scripts (restart, SCRIPT FLUSH) is sent the text again.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

FOLDER = Path(__file__).parent / "lua"
_LINE = re.compile(r"^local ([\w, ]+) = ((?:(?:KEYS|ARGV)\[\d+\](?:, )?)+)$", re.MULTILINE)
_INPUT = re.compile(r"(KEYS|ARGV)\[(\d+)\]")


class Script:
    """One Lua file."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = (FOLDER / f"{name}.lua").read_text(encoding="utf-8")
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        self.keys = self._inputs("KEYS")
        self.args = self._inputs("ARGV")

    async def __call__(
        self, client: "Redis", *, more_keys: Sequence[str] = (), more_args: Sequence[str] = (), **named: str | bytes | int
    ) -> Any:
        """Run it. `more_keys` and `more_args` follow the named ones; a missing or unknown name is a TypeError."""
        if named.keys() != {*self.keys, *self.args}:
            raise TypeError(f"{self.name}.lua takes {', '.join((*self.keys, *self.args))}; given were {', '.join(named)}")
        keys = [str(named[name]) for name in self.keys] + list(more_keys)
        inputs = [*keys, *(_argument(named[name]) for name in self.args), *more_args]
        try:
            return await client.evalsha(self.sha, len(keys), *inputs)
        except NoScriptError:
            return await client.eval(self.text, len(keys), *inputs)

    def _inputs(self, table: str) -> tuple[str, ...]:
        """The names of KEYS or ARGV in the order of their numbers, which must run from 1 without a gap."""
        found: dict[int, str] = {}
        for names, sources in _LINE.findall(self.text):
            for name, (source, number) in zip(names.split(", "), _INPUT.findall(sources), strict=True):
                if source == table:
                    found[int(number)] = name
        if sorted(found) != list(range(1, len(found) + 1)):
            raise ValueError(f"{self.name}.lua: the first lines must name every {table}[n] from 1 without a gap; named are {sorted(found)}")
        return tuple(found[number] for number in sorted(found))


def _argument(value: str | bytes | int) -> str | bytes:
    return str(value) if isinstance(value, int) else value
