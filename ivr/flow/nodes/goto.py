"""goto: go on at another node, or at the start of another flow. Variables and language stay."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator

from ivr.flow.model import FLOW_PREFIX, HANG_UP, Node, Target, Where
from ivr.flow.talk import Talk


def _flow(name: Any) -> Target:
    return Target.parse(f"{FLOW_PREFIX}{name}")


class Goto(Node):
    """Exactly one of `node` and `flow`."""

    type: ClassVar[str] = "goto"

    node: Target | None = None
    flow: Annotated[Target, BeforeValidator(_flow)] | None = None

    async def run(self, talk: Talk) -> str:
        return "next"

    def target(self, exit: str) -> Target:
        return self.flow or self.node or Target(HANG_UP)

    def problems(self) -> Iterator[tuple[Where, str]]:
        if (self.node is None) == (self.flow is None):
            yield (), "give either 'node' or 'flow'"
