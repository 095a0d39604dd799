"""Text from elsewhere - callers, logs, other systems - for people's terminals and log files: no sign of it is taken for a command."""

import json
import re
from typing import Any

REPLACEMENT = "�"


def plain(text: str, *, lines: bool = False) -> str:
    """One line without what a terminal would take for commands; with `lines` its line feeds stay."""
    if text.isprintable():
        return text
    kept = "\t\n" if lines else "\t"
    return "".join(sign if sign.isprintable() or sign in kept else REPLACEMENT for sign in text)


def plain_json(value: Any, **options: Any) -> str:
    """JSON that is readable in every script, and in which whatever cannot be printed is escaped: the value stays what it is."""
    text = json.dumps(value, **{"ensure_ascii": False, **options})
    return text if text.isprintable() else _UNPRINTED.sub(_escaped, text)


_UNPRINTED = re.compile(r"[^\n -~]")


def _escaped(found: re.Match[str]) -> str:
    sign = found.group()
    return sign if sign.isprintable() else json.dumps(sign)[1:-1]
