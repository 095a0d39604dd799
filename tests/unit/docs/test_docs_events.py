"""docs/events.md lists exactly the events that the code tells, each with its data."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from routing.board.agents import TOLD
from routing.board.contacts import LEFT_EVENTS
from routing.ports import RingOutcome
from server.events.writer import ENVELOPE

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[3]
TYPE = re.compile(r"[a-z]+(_[a-z]+)+")
ABOUT = {*ENVELOPE, "call"}  # fields of the envelope, not of `data`
Told = tuple[str, set[str]]


def calls_in_code() -> Iterator[ast.Call]:
    for package in ("ivr", "routing", "server"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and node.args and called(node.func) in ("tell", "emit"):
                    yield node


def called(function: ast.expr) -> str:
    """The name of what is called: of a method, or of a function that tells about an agent (`tell(board, agent, "agent_paused")`)."""
    return function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""


def types_in(node: ast.expr) -> set[str]:
    """The event types that an expression may be: `"a_b"`, `"a_b" if ... else "c_d"`."""
    words = (str(part.value) for part in ast.walk(node) if isinstance(part, ast.Constant))
    return {word for word in words if TYPE.fullmatch(word)}


def told_in_code() -> Iterator[Told]:
    """Types written out, with the names of their data."""
    for call in calls_in_code():
        names = {word.arg for word in call.keywords if word.arg} - ABOUT
        for type in set[str]().union(*map(types_in, call.args[:3])):
            yield type, names


def all_types() -> set[str]:
    """Also those that are made from tables."""
    offers = {f"offer_{outcome}" for outcome in get_args(RingOutcome) if outcome != "answered"}
    return {type for type, _ in told_in_code()} | offers | set(TOLD.values()) | set(LEFT_EVENTS.values()) | {"agent_logged_in"}


def rows() -> dict[str, str]:
    """Type -> its data, as documented."""
    text = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    tables = re.findall(r"\| type \| when \| data \|\n\|[-|]+\|\n((?:\|.*\n)+)", text)
    lines = [line.split(" | ", 2) for table in tables for line in table.splitlines()]
    assert len({line[0] for line in lines}) == len(lines), "a type is listed twice"
    return {line[0].strip("|` "): line[2] for line in lines}


def test_the_reference_lists_exactly_the_types_that_the_code_tells() -> None:
    assert set(rows()) == all_types()


def test_every_field_of_an_event_is_in_its_row() -> None:
    documented = rows()
    missing = [(type, name) for type, names in told_in_code() for name in sorted(names) if f"`{name}`" not in documented[type]]

    assert missing == []


def test_every_queue_log_name_that_reports_rely_on_is_mapped() -> None:
    text = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    names = ("ENTERQUEUE", "CONNECT", "ABANDON", "RINGNOANSWER", "EXITWITHTIMEOUT", "EXITWITHKEY", "COMPLETEAGENT", "COMPLETECALLER")

    assert [name for name in names if name not in text] == []
