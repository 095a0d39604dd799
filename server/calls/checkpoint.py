"""How far a call has come, kept on its own channel: what another server needs to go on with it after this one died.

Asterisk keeps it as a channel variable, so it lives exactly as long as the call does, whatever becomes of servers and Redis. Values that
the flow calls sensitive are never in it: the caller is asked again.
"""

import base64
import json
import zlib
from dataclasses import asdict, dataclass, field

from ivr.call import CallContext, Place

VARIABLE = "HOTLINE_CALL"
LANGUAGE = "HOTLINE_LANGUAGE"  # the dialplan's apology is in it
LONGEST = 1_800  # characters; an AGI line has room for 2,000 bytes
LONGEST_UNPACKED = 20_000


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a call is: a node of a flow; with `contact` also in a queue, since `enqueued_at_ms`."""

    flow: str
    node: str
    language: str
    started_at_ms: int
    variables: dict[str, str] = field(default_factory=dict)
    contact: str = ""
    enqueued_at_ms: int = 0
    in_dial: bool = False  # the node has dialled a number: whoever takes the call over does not dial again
    places: dict[str, Place] = field(default_factory=dict)  # in queues, that the caller left for something else or is in
    data: dict[str, str] = field(default_factory=dict)  # what agents are shown


def checkpoint_of(
    context: CallContext, flow: str, node: str, started_at_ms: int, *, contact: str = "", enqueued_at_ms: int = 0, in_dial: bool = False
) -> Checkpoint:
    """How far the call has come."""
    shown = {name: value for name, value in context.variables.items() if name not in context.sensitive and value}
    return Checkpoint(
        flow, node, context.language, started_at_ms, shown, contact, enqueued_at_ms, in_dial, dict(context.places), dict(context.data)
    )


def pack(kept: Checkpoint) -> str:
    """As text of letters, digits, - and _ for a channel variable. What does not fit is left out, the longest variable or data first."""
    variables, data = dict(kept.variables), dict(kept.data)
    while True:
        facts = {**asdict(kept), "variables": variables, "data": data}
        packed = base64.urlsafe_b64encode(zlib.compress(json.dumps(facts, ensure_ascii=False).encode(), 9)).decode().rstrip("=")
        if len(packed) <= LONGEST or not (variables or data):
            return packed
        longest = max(((len(value), at, name) for at, group in enumerate((variables, data)) for name, value in group.items()))
        del (variables, data)[longest[1]][longest[2]]


def unpack(text: str) -> Checkpoint | None:
    """The checkpoint, or None when there is none or it cannot be read: then the call begins anew."""
    if not text or len(text) > 4 * LONGEST:
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        facts = json.loads(zlib.decompressobj().decompress(raw, LONGEST_UNPACKED))
        variables = {str(name): str(value) for name, value in facts["variables"].items()}
        data = {str(name): str(value) for name, value in facts.get("data", {}).items()}
        places = {str(queue): Place(int(place["from_ms"]), int(place["left_ms"])) for queue, place in facts.get("places", {}).items()}
        return Checkpoint(
            str(facts["flow"]),
            str(facts["node"]),
            str(facts["language"]),
            int(facts["started_at_ms"]),
            variables,
            str(facts["contact"]),
            int(facts["enqueued_at_ms"]),
            bool(facts.get("in_dial")),
            places,
            data,
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, zlib.error):
        return None
