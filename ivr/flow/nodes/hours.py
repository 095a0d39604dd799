"""hours: go one way when we are open, another when we are closed."""

from typing import ClassVar

from ivr.flow.model import Node, Target
from ivr.flow.talk import Talk
from ivr.hours import is_open


class HoursNode(Node):
    """`hours` names an entry of the site's hours."""

    type: ClassVar[str] = "hours"

    hours: str
    open: Target
    closed: Target

    async def run(self, talk: Talk) -> str:
        world = talk.world
        return "open" if is_open(world.hours[self.hours], world.clock.now_ms(), world.time_zone) else "closed"
