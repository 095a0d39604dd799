"""What agents key on their phones: log in and out, pause, resume, the wrap-up, how a contact went; and log-in at any phone of the site.

The phone that dials says who it is, never a caller's number. At a phone without an owner, or with *47 at any, an agent says it with a
number and a PIN; wrong tries are few and make the next ones wait.
"""

import asyncio

import structlog

from ivr.ports import ALL_KEYS, Clock, Phone, Speech
from routing.client.requests import NoReply
from routing.client.routing_client import RoutingClient
from routing.domain.agent_state import AgentState
from routing.domain.messages import AgentAction
from routing.domain.model import PauseKind
from routing.domain.orders import Reply
from routing.domain.phone_address import SipAccount, parse_phone
from routing.read_model.view import View
from routing.store.counts import Try
from routing.store.port import StoreUnreachable
from server.agents.pin_locks import TRIES, PinLocks
from server.settings import Site, pins

log = structlog.get_logger(__name__)

# The dialplan's words -> the action. Pause may carry a digit, which pause_reasons of hotline.yaml names; dispose a code, else it asks.
ACTIONS: dict[str, AgentAction] = {
    "login": "log_in",
    "desk_login": "log_in",
    "logout": "log_out",
    "pause": "pause",
    "resume": "resume",
    "end_wrap_up": "end_wrap_up",
    "extend_wrap_up": "extend_wrap_up",
    "dispose": "dispose",
}
FIRST_KEY_MS, NEXT_KEY_MS = 8_000, 4_000
MOST_KEYS = 16

SAID: dict[str, dict[str, str]] = {
    "logged_out": {"zh": "您已签出。", "en": "You are logged out."},
    "ready": {"zh": "您已示闲，可以接听电话。", "en": "You are ready to take calls."},
    "paused": {"zh": "您已示忙。", "en": "You are not ready."},
    "on_break": {"zh": "您已小休。", "en": "You are on a break."},
    "on_contact": {"zh": "通话结束后生效。", "en": "This takes effect after the call."},
    "reserved": {"zh": "有来电正在接入。", "en": "A call is coming in."},
    "wrap_up": {"zh": "您正在话后整理。", "en": "You are in wrap-up."},
    "noted": {"zh": "已记录。", "en": "This is noted."},
    "refused": {"zh": "现在不能这样操作。", "en": "This is not possible now."},
    "disposition_first": {"zh": "请先输入处理结果代码。", "en": "Please enter the code of the result first."},
    "no_disposition": {"zh": "没有这个处理结果代码。", "en": "There is no result with this code."},
    "break_full": {"zh": "小休人数已满，请稍后再试。", "en": "Too many are on this break. Please try again later."},
    "not_ready_full": {"zh": "示忙人数已满，请稍后再试。", "en": "Too many are not ready. Please try again later."},
    "unknown": {"zh": "这部话机没有对应的坐席。", "en": "No agent belongs to this phone."},
    "unreachable": {"zh": "系统繁忙，请稍后再试。", "en": "The system does not answer; please try again in a moment."},
    "ask_number": {"zh": "请输入您的工号，按井号键结束。", "en": "Please enter your agent number, then press the hash key."},
    "ask_pin": {"zh": "请输入您的密码，按井号键结束。", "en": "Please enter your PIN, then press the hash key."},
    "ask_disposition": {"zh": "请输入处理结果代码，按井号键结束。", "en": "Please enter the code of the result, then press the hash key."},
    "wrong": {"zh": "工号或密码不正确。", "en": "The number or the PIN is not right."},
    "locked": {"zh": "尝试次数过多，请稍后再试。", "en": "There were too many tries. Please try again later."},
}


def agent_at(site: Site, view: View, endpoint: str) -> str:
    """Who works at this phone now: the agent who is logged in there, else its owner; "" for nobody."""
    here = parse_phone(endpoint)
    users = (agent.id for agent in view.agents.values() if here and agent.phone == here and agent.state != AgentState.LOGGED_OUT)
    return next(users, "") or owner_of(site, endpoint)


def owner_of(site: Site, endpoint: str) -> str:
    """Whose phone this is by the configuration; "" when it is nobody's."""
    here = parse_phone(endpoint)
    return next((agent.id for agent in site.directory.agents.values() if here and agent.phone == here), "")


def spoken_by_codes(site: Site) -> list[Speech]:
    """All that feature codes say, to be rendered beforehand."""
    return [_speech(site, what) for what in SAID]


def _speech(site: Site, what: str) -> Speech:
    texts = SAID.get(what, SAID["refused"])
    language = next((language for language in site.main.languages if language in texts), "en")
    return Speech(language, texts[language])


def _refusal(action: AgentAction, state: str, full: str) -> str:
    """What to say of a refusal: what else would have to be done, where the state leaves one reason only; `full`: too many are paused."""
    if action == "end_wrap_up" and state == AgentState.WRAP_UP:
        return "disposition_first"
    if action == "dispose" and state in (AgentState.WRAP_UP, AgentState.ON_CONTACT):
        return "no_disposition"
    return full if full and state != AgentState.LOGGED_OUT else "refused"


class FeatureCodes:
    """Carries out a feature code and says what came of it, in the site's first language."""

    def __init__(self, site: Site, routing_client: RoutingClient, view: View, locks: PinLocks, clock: Clock) -> None:
        self._site = site
        self._routing_client = routing_client
        self._view = view
        self._locks = locks
        self._clock = clock

    async def serve(self, phone: Phone, endpoint: str, words: list[str]) -> None:
        """`words` are the dialplan's: an action and perhaps a pause reason's digit or a disposition's code."""
        await phone.answer()
        await phone.play(self._speech(await self._do(phone, endpoint, words)))
        await phone.hang_up()

    async def _do(self, phone: Phone, endpoint: str, words: list[str]) -> str:
        word, argument = (words[0], words[1] if len(words) > 1 else "") if words else ("", "")
        if endpoint not in self._site.phones or word not in ACTIONS:
            log.warning("feature_code_refused", endpoint=endpoint, words=words)
            return "unknown"
        at_desk = word == "desk_login" or (word == "login" and not owner_of(self._site, endpoint))
        if at_desk:
            return await self._log_in_here(phone, endpoint)
        agent = owner_of(self._site, endpoint) if word == "login" else agent_at(self._site, self._view, endpoint)
        if not agent:
            log.warning("feature_code_refused", endpoint=endpoint, words=words)
            return "unknown"
        if word == "dispose":
            argument = argument or await self._keyed(phone, "ask_disposition")
        return await self._ask(agent, ACTIONS[word], endpoint, argument)

    async def _ask(self, agent: str, action: AgentAction, endpoint: str, argument: str = "") -> str:
        """What to say of the router's reply."""
        try:
            reply = await self._posted(agent, action, endpoint, argument)
        except NoReply:
            return "unreachable"
        if reply.error:
            log.info("feature_code_not_granted", agent=agent, action=action, reason=reply.error)
            full = self._pause_full(argument) if action == "pause" else ""
            return _refusal(action, reply.state, full)
        if reply.state == "paused" and action == "pause" and self._pause_kind(argument) == "break":
            return "on_break"
        return "noted" if action == "dispose" else reply.state

    async def _posted(self, agent: str, action: AgentAction, endpoint: str, argument: str) -> Reply:
        if action == "log_in":
            return await self._routing_client.ask(agent, action, phone=SipAccount(endpoint))
        if action == "dispose":
            return await self._routing_client.ask(agent, action, disposition=argument)
        reason = self._site.main.pause_reasons.get(argument, argument) if action == "pause" else ""
        return await self._routing_client.ask(agent, action, reason=reason)

    def _pause_kind(self, digit: str) -> PauseKind:
        return self._site.directory.pause_kind(self._site.main.pause_reasons.get(digit, digit))

    def _pause_full(self, digit: str) -> str:
        """What to say when too many are paused for the reason of that digit; "" where any number may be."""
        if not self._site.directory.pause_limit(self._site.main.pause_reasons.get(digit, digit)).at_once:
            return ""
        return "break_full" if self._pause_kind(digit) == "break" else "not_ready_full"

    # -- a phone that is not the agent's own ------------------------------------------------------------------------------

    async def _log_in_here(self, phone: Phone, endpoint: str) -> str:
        """Ask for number and PIN until they fit, a few times."""
        for _ in range(TRIES):
            number = await self._keyed(phone, "ask_number")
            pin = await self._keyed(phone, "ask_pin")
            said = await self._try(endpoint, self._site.logins.get(number, ""), pin)
            if said != "wrong":
                return said
            await phone.play(self._speech("wrong"))
        return "locked"

    async def _try(self, endpoint: str, agent: str, pin: str) -> str:
        """What to say of a number and a PIN. `agent` is whose number it is, "" for nobody's."""
        try:
            counted = await self._locks.take(agent, self._clock.now_ms()) if agent else Try(True)
            if not counted.allowed:
                log.warning("desk_login_locked", agent=agent, endpoint=endpoint)
                return "locked"
            if await self._fits(agent, pin):
                await self._locks.right(agent)
                return await self._ask(agent, "log_in", endpoint)
        except StoreUnreachable as reason:  # what nobody counts is not compared
            log.warning("desk_login_not_counted", agent=agent, endpoint=endpoint, reason=str(reason))
            return "unreachable"
        log.warning("desk_login_wrong", agent=agent, endpoint=endpoint, locked_s=counted.locked_ms // 1000)
        return "locked" if counted.locked_ms else "wrong"

    async def _fits(self, agent: str, pin: str) -> bool:
        """In a thread of its own, since it is slow on purpose; as slow for a number that nobody has."""
        kept = self._site.directory.agents[agent].pin if agent else ""
        return await asyncio.to_thread(pins.fits, pin, kept)

    async def _keyed(self, phone: Phone, question: str) -> str:
        """What is keyed after a question, without the hash key."""
        key = await phone.play(self._speech(question), keys=ALL_KEYS) or await phone.wait_key(FIRST_KEY_MS)
        keyed = ""
        while key and key != "#" and len(keyed) < MOST_KEYS:
            keyed += key
            key = await phone.wait_key(NEXT_KEY_MS)
        return keyed

    def _speech(self, what: str) -> list[Speech]:
        return [_speech(self._site, what)]
