"""The shape of agents.yaml."""

from datetime import date
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BeforeValidator, Field

from routing.domain.model import ONE_CALL, Membership
from server.settings.policies import PolicySettings
from server.settings.values import AccountName, Attribute, Day, Level, LoginNumber, Name, OutsideNumber, PinHash, Word, WrapUp
from sources.schema import Settings

MEMBER = Membership()  # a membership without settings


class MembershipFile(PolicySettings):
    """An agent's part in one queue."""

    queue: str
    tier: int = Field(MEMBER.tier, ge=1, le=100)
    weight: float = Field(MEMBER.weight, gt=0)
    level: int = Field(MEMBER.level, ge=0, le=5)


def _membership(value: Any) -> Any:
    return {"queue": value} if isinstance(value, str) else value


class TeamStayFile(Settings):
    """An agent's time in one team, both days included. Without `from` since ever; without `until` to the next one's first day."""

    name: str
    first: Day | None = Field(None, alias="from")
    last: Day | None = Field(None, alias="until")

    def begins(self) -> date:
        """The first day; the first of all where none is given."""
        return self.first or date.min


def _stays(value: Any) -> Any:
    """`north`, `{name: north}` and a list of either."""
    stays = value if isinstance(value, list) else [value]
    return [{"name": stay} if isinstance(stay, str) else stay for stay in stays]


Kind = Literal["voice", "callback", "chat", "task"]
AtOnce = Annotated[int, Field(ge=0, le=20)]


def _capacity(given: dict[Kind, int]) -> dict[Kind, int]:
    """What is not said is as usual; 0 is none of that kind."""
    usual = cast(dict[Kind, int], dict(ONE_CALL))
    return {kind: count for kind, count in (usual | given).items() if count}


class AgentFile(PolicySettings):
    """One agent of agents.yaml. A desk phone (`phone`), an `external_number`, or neither and a `pin`: then any phone of the
    site."""

    name: str
    phone: AccountName = ""
    external_number: OutsideNumber = ""
    pin: PinHash = ""
    login: LoginNumber = ""
    answer: Literal["normal", "auto"] = "normal"
    accept: bool = False
    skills: dict[Name, Level] = {}
    attributes: dict[Word, Attribute] = {}
    queues: list[Annotated[MembershipFile, BeforeValidator(_membership)]] = []
    team: Annotated[list[TeamStayFile], BeforeValidator(_stays)] = []
    wrap_up_ms: WrapUp | None = None
    capacity: Annotated[dict[Kind, AtOnce], AfterValidator(_capacity)] = Field({}, validate_default=True)


class AgentsFile(Settings):
    """agents.yaml"""

    agents: dict[Name, AgentFile] = {}
    phones: list[AccountName] = []
