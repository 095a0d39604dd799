"""docs/events.md and docs/events.schema.json say what the classes of events say."""

import pytest

from tests import event_reference

pytestmark = pytest.mark.unit


def test_the_tables_are_written() -> None:
    """A type or a field that changed is written anew by `python -m tests.event_reference`."""
    assert event_reference.REFERENCE.read_text(encoding="utf-8") == event_reference.drawn()


def test_the_schema_is_written() -> None:
    assert event_reference.SCHEMA.read_text(encoding="utf-8") == event_reference.written()


def test_every_queue_log_name_that_reports_rely_on_is_mapped() -> None:
    text = event_reference.REFERENCE.read_text(encoding="utf-8")
    names = ("ENTERQUEUE", "CONNECT", "ABANDON", "RINGNOANSWER", "EXITWITHTIMEOUT", "EXITWITHKEY", "COMPLETEAGENT", "COMPLETECALLER")

    assert [name for name in names if name not in text] == []
