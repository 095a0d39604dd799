"""play: say something and go on."""

from typing import ClassVar, Literal

from ivr.flow.model import Node, Prompts, Target
from ivr.flow.talk import Talk


class Play(Node):
    """A key stops the prompt (unless `barge_in: no`, for legal notices) and counts for what comes next (`type_ahead: flush` drops it)."""

    type: ClassVar[str] = "play"

    prompt: Prompts
    next: Target
    barge_in: bool = True
    type_ahead: Literal["keep", "flush"] = "keep"

    async def run(self, talk: Talk) -> str:
        talk.give_back(await talk.say(self.prompt, barge_in=self.barge_in))
        if self.type_ahead == "flush":
            talk.forget_keys()
        return "next"
