"""Records, messages and orders as compact JSON text, and back. Nothing here knows where the text is kept.

The text is an object with the fields of the dataclass; a field that has its empty default is left out. Messages and orders carry
`type`, the class's name in snake_case. The facts and wishes of a contact are no objects of their own: their fields stand beside the
others. A field that this version does not know is ignored, so that a newer server may add one; a type that it does not know is an error,
for the reader to decide about. `wire.py` has the way from a class to its text.
"""

import re
from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import Any, get_args

from routing.domain.agent import Agent
from routing.domain.messages import AgentReported, ContactsReported, Message, TalkReported
from routing.domain.model import CallerHistory, Contact
from routing.domain.orders import Order, ReportContactOrder, ReportPhoneOrder
from routing.store.of_before import agent_of_before
from routing.store.wire import Unreadable as Unreadable
from routing.store.wire import Wire, decoder, json_object, plain_json, text_of, wire_of

# Classes whose name changed keep the type that they had in 0.1, so that servers of both versions understand each other.
KINDS_OF_BEFORE = {
    TalkReported: "talk_held",
    AgentReported: "agent_held",
    ContactsReported: "server_holds",
    ReportContactOrder: "tell_order",
    ReportPhoneOrder: "tell_phone_order",
}


def kind_of(cls: type) -> str:
    """`ContactArrived` -> `contact_arrived`."""
    return KINDS_OF_BEFORE.get(cls) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()


MESSAGES: dict[type, Wire[Any]] = {cls: wire_of(cls, kind_of(cls)) for cls in get_args(Message)}
ORDERS: dict[type, Wire[Any]] = {cls: wire_of(cls, kind_of(cls)) for cls in get_args(Order)}
WIRES = {cls: wire_of(cls) for cls in (Contact, Agent, CallerHistory)} | MESSAGES | ORDERS
_WRITERS = {cls: wire.write for cls, wire in WIRES.items()}


def record_text(record: Contact | Agent | CallerHistory) -> str:
    """A contact, an agent or a caller; its kind is known from where the text is kept."""
    return text_of(_WRITERS[type(record)](record))


def tagged_text(item: Message | Order) -> str:
    """A message or an order, with its `type`."""
    return text_of(_WRITERS[type(item)](item))


def _reader(wires: dict[type, Wire[Any]], what: str = "") -> Callable[[str], Any]:
    """What reads one of several types, `what` says of what kind they are; without it, of one class alone."""
    struct_from = decoder(reduce(or_, (wire.struct for wire in wires.values())))
    readers = {wire.struct: wire.read for wire in wires.values()}
    kinds = [kind_of(cls) for cls in wires]

    def read(text: str) -> Any:
        try:
            found = struct_from(text)
            return readers[type(found)](found)
        except Unreadable:
            raise
        except ValueError as error:
            kind, begin = json_object(text).get("type") if what else kinds[0], f"{text[:200]!r}"
            if kind in kinds:
                raise Unreadable(f"a {kind} cannot be read from {begin}: {error}") from None
            known = ", ".join(kinds)
            raise Unreadable(f"{what} of unknown type {kind!r} (from a newer server?); known: {known}; it reads {begin}") from None

    return read


# Each raises Unreadable, also when the type of a message or an order is unknown to this version.
contact_from: Callable[[str], Contact] = _reader({Contact: WIRES[Contact]})
_agent_from: Callable[[str], Agent] = _reader({Agent: WIRES[Agent]})
caller_from: Callable[[str], CallerHistory] = _reader({CallerHistory: WIRES[CallerHistory]})
message_from: Callable[[str], Message] = _reader(MESSAGES, "message")
order_from: Callable[[str], Order] = _reader(ORDERS, "order")


def agent_from(text: str) -> Agent:
    """One of this version, or of the one before."""
    return _agent_from(text if '"presence":' in text else plain_json(agent_of_before(json_object(text))))
