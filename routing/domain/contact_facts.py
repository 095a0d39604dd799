"""What is known of a customer who wants an agent. It is said once, by the server that has the contact, and handed on as it is.

The facts are the same during the stay; the wishes are the flow's, of which the board makes what is in force (`model.Contact`). In JSON the
fields of both stand beside those of the record or message that has them (`store/codec.py`).
"""

from dataclasses import dataclass, field

from routing.domain.quick import quick

Steps = tuple[tuple[int, str], ...]  # a requirement that relaxes: (milliseconds waited, expression)
VOICE, CALLBACK, CHAT, TASK = "voice", "callback", "chat", "task"


@quick
@dataclass(frozen=True, slots=True)
class ContactFacts:
    """Who it is. `ani` is the customer's number, `data` what the flow shows the agent."""

    call: str = ""  # the call that makes it; "" for a contact that is none
    ani: str = ""
    language: str = ""
    data: dict[str, str] = field(default_factory=dict)
    kind: str = VOICE  # one of `kinds.KINDS`
    trunk: str = ""  # by which a call to the customer goes out; "" is any


@quick
@dataclass(frozen=True, slots=True)
class ContactWishes:
    """What the flow wants for the customer. `steps` relax the requirement: (milliseconds waited, expression), first one at 0."""

    steps: list[tuple[int, str]]
    priority: int = 0  # seconds, without the queue's
    preferred: list[str] = field(default_factory=list)  # agents who are waited for, for `preferred_ms` (0: the queue's time)
    preferred_ms: int = 0
    exclude: list[str] = field(default_factory=list)  # agents who are never asked
    place_ms: int = 0  # waited earlier in this call, before leaving for a submenu: counts for the place, not for the wait
    due_ms: int = 0  # when the customer wants it: nobody is offered it before then; 0 is now
