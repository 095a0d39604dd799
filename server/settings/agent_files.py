"""The shape of agents.yaml."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from server.settings.values import Attribute, Level, LoginNumber, Name, OutsideNumber, PinHash, SipAccount, Word, WrapUp
from sources.schema import Settings


class MembershipFile(Settings):
    """An agent's part in one queue."""

    queue: str
    tier: int = Field(1, ge=1, le=100)
    weight: float = Field(1.0, gt=0)
    level: int = Field(0, ge=0, le=5)


def _membership(value: Any) -> Any:
    return {"queue": value} if isinstance(value, str) else value


class AgentFile(Settings):
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
    wrap_up: WrapUp | None = None


class AgentsFile(Settings):
    """agents.yaml"""

    agents: dict[Name, AgentFile] = {}
    phones: list[SipAccount] = []
