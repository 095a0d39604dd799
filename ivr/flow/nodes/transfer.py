"""transfer: connect the caller to a telephone number that the site allows."""

from typing import Annotated, ClassVar

from pydantic import Field

from ivr.flow.model import HANG_UP, Node, Target
from ivr.flow.talk import Talk
from ivr.flow.texts import Template
from sources.schema import Duration


class Transfer(Node):
    """What is dialled is checked against the site's list, at load where the number is written out and always before dialling."""

    type: ClassVar[str] = "transfer"
    waits: ClassVar[bool] = True

    to: Template
    timeout: Annotated[Duration, Field(ge=1000, le=300_000)] = 30_000
    answered: Target = Target(HANG_UP)
    busy: Target | None = None
    no_answer: Target | None = None
    unreachable: Target | None = None
    not_allowed: Target | None = None
    otherwise: Target

    async def run(self, talk: Talk) -> str:
        return await talk.world.phone.dial(talk.fill(self.to), self.timeout)

    def target(self, exit: str) -> Target:
        found = getattr(self, exit, None)
        return found if isinstance(found, Target) else self.otherwise
