"""say: read a value aloud - a number, digits one by one, money, a date, a time."""

from typing import ClassVar

from ivr.flow.model import Node, Prompts, Target
from ivr.flow.talk import Talk
from ivr.flow.texts import Kind, Template, spoken


class Say(Node):
    """`value` may have variables in it; `before` and `after` are said around it."""

    type: ClassVar[str] = "say"

    kind: Kind
    value: Template
    currency: str = ""
    before: Prompts = ()
    after: Prompts = ()
    next: Target
    barge_in: bool = True

    async def run(self, talk: Talk) -> str:
        key = await talk.say(self.before, barge_in=self.barge_in)
        if not key:
            text = spoken(self.kind, talk.fill(self.value), talk.language, self.currency or talk.world.currency)
            key = await talk.announce(text, barge_in=self.barge_in)
        if not key:
            key = await talk.say(self.after, barge_in=self.barge_in)
        talk.give_back(key)
        return "next"
