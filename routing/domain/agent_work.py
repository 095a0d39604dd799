"""What only the router knows of an agent's work: written with every change of state, and reported again after a loss."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Annotated

from routing.domain.quick import quick


@quick
@dataclass(frozen=True, slots=True)
class AgentWork:
    """The fields are those of `model.Agent` with the same names. In a text those that are empty are left out."""

    requested: Annotated[str, "while busy: paused, logged_out"] = field(default="", metadata={"was": "wanted"})
    idle_since_ms: Annotated[int, "end of the last contact, or log-in"] = 0
    handled: Annotated[int, "contacts since log-in"] = 0
    talked_ms: Annotated[int, "with contacts since log-in"] = 0
    offered_at_ms: Annotated[int, "when a contact was last offered"] = 0
    occupancy: Annotated[float, "share of the recent past spent on contacts, as of `occupied_at_ms`"] = 0.0
    occupied_at_ms: Annotated[int, "as of when"] = 0
    refused: Annotated[Mapping[str, int], "outcome -> offers in a row that ended so"] = field(default_factory=dict)
    left_at_ms: Annotated[Mapping[str, int], "queue left for now -> since when"] = field(default_factory=dict)
    away_since_ms: Annotated[int, "since when paused or logged out"] = 0
    last_call: Annotated[str, "of which the disposition may be given"] = ""
    last_contact: Annotated[str, "the same"] = ""
    last_queue: Annotated[str, "the same"] = ""
    disposition: Annotated[str, "the one given"] = ""

    def over(self, before: "AgentWork") -> "AgentWork":
        """This, and what was before where this is empty."""
        return replace(before, **{field.name: value for field in fields(self) if (value := getattr(self, field.name))})
