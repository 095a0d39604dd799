"""What agents key on their phones: log in and out, pause, resume, end the wrap-up.

The phone that dials says who it is, never a caller's number.
"""

from typing import get_args

import structlog

from agi.channel import Channel
from ivr.ports import Speech
from routing.desk import Desk, NoReply
from routing.messages import AgentAction
from server.settings import Site
from server.sounds.library import SoundLibrary

log = structlog.get_logger(__name__)

# The dialplan's words -> the action. Pause may carry a digit, which hotline.yaml's pause_reasons name.
ACTIONS: dict[str, AgentAction] = {
    "login": "log_in",
    "logout": "log_out",
    "pause": "pause",
    "resume": "resume",
    "end_wrap_up": "end_wrap_up",
}
assert set(ACTIONS.values()) <= set(get_args(AgentAction))

SAID: dict[str, dict[str, str]] = {
    "logged_out": {"zh": "您已签退。", "en": "You are logged out."},
    "ready": {"zh": "您已就绪，可以接听电话。", "en": "You are ready to take calls."},
    "paused": {"zh": "您已暂停接听。", "en": "You are paused."},
    "on_contact": {"zh": "通话结束后生效。", "en": "This takes effect after the call."},
    "reserved": {"zh": "有来电正在接入。", "en": "A call is coming in."},
    "wrap_up": {"zh": "您正在整理。", "en": "You are in wrap-up."},
    "refused": {"zh": "现在不能这样操作。", "en": "This is not possible now."},
    "unknown": {"zh": "这部话机没有对应的座席。", "en": "No agent belongs to this phone."},
    "unreachable": {"zh": "系统繁忙，请稍后再试。", "en": "The system does not answer; please try again in a moment."},
}


class FeatureCodes:
    """Carries out a feature code and says what came of it, in the site's first language."""

    def __init__(self, site: Site, desk: Desk, sounds: SoundLibrary) -> None:
        self._site = site
        self._desk = desk
        self._sounds = sounds

    async def serve(self, channel: Channel, endpoint: str, words: list[str]) -> None:
        """`words` are the dialplan's: an action and perhaps a pause reason's digit."""
        await channel.answer()
        await self._say(channel, await self._do(endpoint, words))
        await channel.hangup()

    async def _do(self, endpoint: str, words: list[str]) -> str:
        agent = next((agent.id for agent in self._site.directory.agents.values() if agent.phone == endpoint), "")
        action = ACTIONS.get(words[0]) if words else None
        if not agent or action is None:
            log.warning("feature_code_refused", endpoint=endpoint, words=words)
            return "unknown"
        digit = words[1] if len(words) > 1 else ""
        try:
            reply = await self._desk.ask(agent, action, reason=self._site.main.pause_reasons.get(digit, digit))
        except NoReply:
            return "unreachable"
        return "refused" if reply.error else reply.state

    async def _say(self, channel: Channel, what: str) -> None:
        texts = SAID.get(what, SAID["refused"])
        language = next((language for language in self._site.main.languages if language in texts), "en")
        for file in await self._sounds.files([Speech(language, texts[language])]):
            await channel.stream_file(file)
