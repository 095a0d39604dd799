"""branch: go where the first condition that is true leads."""

from typing import ClassVar

from ivr.flow.expressions import Expression
from ivr.flow.model import Node, Target
from ivr.flow.talk import Talk
from sources.schema import Settings


class Case(Settings):
    when: Expression
    then: Target


class Branch(Node):
    """Conditions are tried in order; `otherwise` is taken when none is true."""

    type: ClassVar[str] = "branch"

    cases: list[Case]
    otherwise: Target

    async def run(self, talk: Talk) -> str:
        for index, case in enumerate(self.cases):
            if talk.is_true(case.when):
                return f"case:{index + 1}"
        return "otherwise"

    def target(self, exit: str) -> Target:
        kind, _, number = exit.partition(":")
        return self.cases[int(number) - 1].then if kind == "case" else self.otherwise
