"""Events as tests need them: data by its class, and data in which what a test does not care about is filled in."""

from collections.abc import Iterable
from dataclasses import MISSING, fields
from enum import Enum
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from routing.domain.agent_state import AgentState
from routing.domain.contact_facts import Steps
from routing.domain.events.agents import AgentChanged
from routing.domain.events.calls import CallArrived, CallAtServer, CallEnded, CallEndedBy
from routing.domain.events.contacts import ContactQueued
from routing.domain.events.envelope import Event, EventData, UnknownEvent

T = TypeVar("T", bound=EventData)
A = TypeVar("A", bound=AgentChanged)
C = TypeVar("C", bound=CallAtServer)


def fact(event: Event, cls: type[T]) -> T:
    """The data of an event of that type."""
    assert isinstance(event.data, cls), event
    return event.data


def facts(events: Iterable[Event], cls: type[T]) -> list[T]:
    """The data of those events that are of that type."""
    return [event.data for event in events if isinstance(event.data, cls)]


def counted(number: int) -> UnknownEvent:
    """Of a type that nobody knows, with a number."""
    return UnknownEvent("counted", {"number": number})


def number_of(event: Event) -> int:
    """Of an event that is `counted`; -1 of others."""
    return int(event.data.fields.get("number", -1)) if isinstance(event.data, UnknownEvent) else -1


def at_server(server: str = "node", cls: type[C] = CallArrived, **more: Any) -> C:  # type: ignore[assignment]
    """A call from an unknown number to 4000."""
    known: dict[str, Any] = {"ani": "+86*******8000", "dnis": "4000", "channel": "PJSIP/trunk-1", "language": "zh", "started_at_ms": 0}
    return cls(server=server, **(known | more))


def ended(ended_by: CallEndedBy = "caller") -> CallEnded:
    return CallEnded(ended_by, 60_000, "in_flow")


def queued(enqueued_at_ms: int, **more: Any) -> ContactQueued:
    """Somebody joined who takes any agent."""
    known: dict[str, Any] = {"priority": 0, "steps": ((0, ""),), "ani": "", "language": "zh", "caller": {}, "server": "node"}
    return ContactQueued(enqueued_at_ms, **(known | more))


def agent_changed(cls: type[A], state: AgentState, phone: str = "1001", **more: Any) -> A:
    """An agent who was logged out until now."""
    known: dict[str, Any] = {"reason": "", "until_ms": 0, "since_ms": 0, "before": AgentState.LOGGED_OUT}
    return cls(state, phone=phone, **(known | more))


def example(cls: type[T]) -> T:
    """One of a type, with something in each field that must have something."""
    hints, known = get_type_hints(cls), fields(cls)  # type: ignore[arg-type]
    return cls(**{field.name: _some(hints[field.name]) for field in known if field.default is field.default_factory is MISSING})


def _some(hint: Any) -> Any:
    if get_origin(hint) is Literal:
        return get_args(hint)[0]
    if hint == Steps:
        return ((0, ""),)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    plain: dict[Any, Any] = {str: "x", int: 1, float: 1.0, bool: True}
    return plain.get(hint, {})
