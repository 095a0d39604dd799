"""The log that a version wrote is read by the versions after it, and leads them to the same picture."""

import json

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from routing.domain.events.envelope import Event, EventData, UnknownEvent
from routing.domain.events.registry import EVENTS
from routing.store.event_codec import event_from, event_text
from tests import event_reference, record_log
from tests.told import example

pytestmark = pytest.mark.unit

LINES = record_log.LOG.read_text(encoding="utf-8").splitlines()
# What is told only when something outside breaks: an example is made of each.
NOT_RECORDED = {
    "asterisk_gap_found",
    "asterisk_gap_mended",
    "domain_opened",
    "events_dropped",
    "log_gap",
    "messages_dropped",
    "redis_refused_writes",
    "redis_took_writes",
    "routing_failed",
}
EXAMPLES = [event_text(Event("e", 1, example(cls), call="call-1", node="menu")) for cls in EVENTS.values()]
VALID = Draft202012Validator(event_reference.schema())


def test_every_type_is_recorded_or_made_up() -> None:
    """A new type is recorded by `python -m tests.record_log`, or listed here."""
    assert {event.type for event in record_log.events_in("\n".join(LINES))} == EVENTS.keys() - NOT_RECORDED


@pytest.mark.parametrize("line", [*LINES, *EXAMPLES])
def test_a_line_is_read_and_written_again(line: str) -> None:
    """As an event of its type, and to the letter."""
    event = event_from(line)

    assert not isinstance(event.data, UnknownEvent)
    assert event_text(event) == line


def test_the_picture_after_it_is_the_one_recorded() -> None:
    """Who waits and talks, what agents do, which calls are open, and every figure."""
    recorded = json.loads(record_log.PICTURE.read_text(encoding="utf-8"))

    assert record_log.picture(map(event_from, LINES)) == recorded


@pytest.mark.parametrize("line", [*LINES, *EXAMPLES])
def test_what_is_written_fits_the_schema(line: str) -> None:
    assert list(VALID.iter_errors(json.loads(line))) == []


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(event_reference.schema())


@pytest.mark.parametrize(
    "data",
    [
        {"ended_by": "nobody", "duration_ms": 1, "stage": "in_flow"},
        {"ended_by": "caller", "duration_ms": "long", "stage": "in_flow"},
        {"ended_by": "caller", "duration_ms": 1},
    ],
)
def test_the_schema_knows_what_is_wrong(data: EventData) -> None:
    """Another outcome, another kind of value, a field that lacks."""
    entry = {"id": "e", "type": "call_ended", "at_ms": 1, "domain": "main", "v": 1}
    assert list(VALID.iter_errors(entry | {"data": data}))
    assert list(VALID.iter_errors(entry))


def test_what_another_version_tells_fits_the_schema() -> None:
    """Of a type or a version that is not listed nothing is demanded."""
    entry = {"id": "e", "at_ms": 1, "domain": "main", "data": {"mood": "good"}}
    assert VALID.is_valid(entry | {"type": "mood_changed", "v": 1})
    assert VALID.is_valid(entry | {"type": "call_ended", "v": 2})
