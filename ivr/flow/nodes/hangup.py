"""hangup: say goodbye and end the call."""

from typing import ClassVar

from ivr.flow.model import Node, Prompts
from ivr.flow.talk import Talk


class Hangup(Node):
    """The prompt, if any, is said to its end."""

    type: ClassVar[str] = "hangup"

    prompt: Prompts = ()

    async def run(self, talk: Talk) -> str:
        await talk.say(self.prompt, barge_in=False)
        return "hangup"
