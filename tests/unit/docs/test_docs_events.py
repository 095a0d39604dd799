"""docs/events.md lists exactly the types of events that there are, each with its data."""

import re
from pathlib import Path

import pytest

from routing.domain.events.registry import EVENTS
from routing.store.wire import wire_name

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[3]


def rows() -> dict[str, str]:
    """Type -> its data, as documented."""
    text = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    tables = re.findall(r"\| type \| when \| data \|\n\|[-|]+\|\n((?:\|.*\n)+)", text)
    lines = [line.split(" | ", 2) for table in tables for line in table.splitlines()]
    assert len({line[0] for line in lines}) == len(lines), "a type is listed twice"
    return {line[0].strip("|` "): line[2] for line in lines}


def test_the_reference_lists_exactly_the_types_that_there_are() -> None:
    assert set(rows()) == set(EVENTS)


def test_every_field_of_an_event_is_in_its_row() -> None:
    documented = rows()
    own = [(cls.TYPE, wire_name(name)) for cls in EVENTS.values() for name in cls.__annotations__ if name != "TYPE"]

    assert [(type, name) for type, name in own if f"`{name}`" not in documented[type]] == []


def test_every_queue_log_name_that_reports_rely_on_is_mapped() -> None:
    text = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    names = ("ENTERQUEUE", "CONNECT", "ABANDON", "RINGNOANSWER", "EXITWITHTIMEOUT", "EXITWITHKEY", "COMPLETEAGENT", "COMPLETECALLER")

    assert [name for name in names if name not in text] == []
