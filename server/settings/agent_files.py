"""The shape of agents.yaml."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from routing.domain.model import Membership
from server.settings.policies import PolicySettings
from server.settings.values import Attribute, Level, LoginNumber, Name, OutsideNumber, PinHash, SipAccount, Word, WrapUp
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


class AgentFile(PolicySettings):
    """One agent of agents.yaml. A desk phone (`phone`), an outside line (`number`), or neither and a `pin`: then any phone of the site."""

    name: str
    phone: SipAccount = ""
    number: OutsideNumber = ""
    pin: PinHash = ""
    login: LoginNumber = ""
    answer: Literal["normal", "auto"] = "normal"
    accept: bool = False
    skills: dict[Name, Level] = {}
    attributes: dict[Word, Attribute] = {}
    queues: list[Annotated[MembershipFile, BeforeValidator(_membership)]] = []
    wrap_up_ms: WrapUp | None = None


class AgentsFile(Settings):
    """agents.yaml"""

    agents: dict[Name, AgentFile] = {}
    phones: list[SipAccount] = []
