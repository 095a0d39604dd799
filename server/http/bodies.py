"""What clients may send: one frozen model per body and per set of parameters. A field's description says what is expected of it.

A field that is null or empty text counts as not given. Fields belong to actions: `takes` says to which, `needs` without which an action
makes no sense.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from routing.domain.messages import AgentAction, ContactAction

LONGEST_LINE = 80
LEAST_PRIORITY, MOST_PRIORITY = -3_600, 86_400  # seconds, as in a flow


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("more than one line")
    return text


_LINE_WORDS = f"text of one line, {LONGEST_LINE} characters at most"
_PRIORITY_WORDS = f"a whole number of seconds from {LEAST_PRIORITY} to {MOST_PRIORITY}"
Line = Annotated[str, Field(max_length=LONGEST_LINE, description=_LINE_WORDS), AfterValidator(_one_line)]
Code = Annotated[str, Field(pattern=r"^[0-9]{1,4}$", description='a code of 1 to 4 digits as text, such as "1"')]
Priority = Annotated[int, Field(ge=LEAST_PRIORITY, le=MOST_PRIORITY, description=_PRIORITY_WORDS)]


class Parameters(BaseModel):
    """The parameters of an address, `?name=value`; this alone: there are none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AgentsAsked(Parameters):
    """The parameters of GET /api/agents."""

    team: str | None = Field(None, description="the name of a team; empty: who is in none")


class Change(BaseModel):
    """The base of bodies: frozen, nothing is converted, and an unknown field is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    takes: ClassVar[Mapping[str, tuple[str, ...]]]
    needs: ClassVar[Mapping[str, str]]

    @model_validator(mode="before")
    @classmethod
    def only_given(cls, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The body without the known fields that are null or empty."""
        return {name: value for name, value in body.items() if name not in cls.model_fields or value not in (None, "")}


class AgentChange(Change):
    """A body of POST /api/agents/{id}."""

    takes = {
        "reason": ("pause",),
        "phone": ("log_in",),
        "queue": ("join_queue", "leave_queue"),
        "disposition": ("dispose", "end_wrap_up"),
        "contact": ("dispose", "end_wrap_up", "extend_wrap_up"),
    }
    needs = {"join_queue": "queue", "leave_queue": "queue", "dispose": "disposition"}

    action: AgentAction
    reason: Line = ""
    phone: Line = ""
    queue: Line = ""
    disposition: Code = ""
    contact: Line = ""


class ContactChange(Change):
    """A body of POST /api/contacts/{id}."""

    takes = {"priority": ("prioritise",), "queue": ("move",)}
    needs = {"prioritise": "priority", "move": "queue"}

    action: ContactAction
    priority: Priority = 0
    queue: Line = ""
