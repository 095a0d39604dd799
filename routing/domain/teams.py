"""Teams: who works under which team leader, and since when. A report of a day is by the teams of that day, not of today."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Team:
    """A team as the site defines it. `names`: language -> what people call it; `leaders` are agents."""

    id: str
    names: Mapping[str, str] = field(default_factory=dict)
    leaders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TeamStay:
    """From that moment on (ms since 1970 UTC) an agent is in the team; "" is none."""

    from_ms: int
    team: str


def team_at(stays: Sequence[TeamStay], at_ms: int) -> str:
    """The team at a moment, of stays in the order of time; "" when there is none."""
    return next((stay.team for stay in reversed(stays) if stay.from_ms <= at_ms), "")
