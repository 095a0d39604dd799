"""What agents ask for, on their phone or over HTTP: log in and out, pause, resume, end the wrap-up. Each request gets one reply."""

from collections.abc import Callable
from typing import Any

from routing import agents, contacts
from routing.agent_state import AgentEvent, AgentState, NotAllowed
from routing.floor import Floor
from routing.messages import AgentAsked, Reply
from routing.model import Agent

ASKED = {
    "log_in": AgentEvent.LOG_IN,
    "log_out": AgentEvent.LOG_OUT,
    "pause": AgentEvent.PAUSE,
    "resume": AgentEvent.RESUME,
    "end_wrap_up": AgentEvent.END_WRAP_UP,
}
STALE_MS = 10_000  # while Redis is away requests wait; whoever asked has been told that nobody answers
WANTED = {"pause": "paused", "log_out": "logged_out", "resume": ""}


def asked(board: Floor, message: AgentAsked, now_ms: int) -> None:
    """An agent asks for a state; the reply says what came of it."""
    agent = board.agents.get(message.agent)
    if not agent:
        board.order(message.server, Reply(message.request, "", f"there is no agent {message.agent!r}; config/agents.yaml lists them"))
        return
    if message.at_ms and now_ms - message.at_ms > STALE_MS:
        board.order(message.server, Reply(message.request, agent.state, "this was asked too long ago to be done now"))
        return
    error = ""
    try:
        _grant(board, agent, message, now_ms)
    except NotAllowed as refused:
        error = str(refused)
    board.order(message.server, Reply(message.request, agent.state, error))


def _grant(board: Floor, agent: Agent, message: AgentAsked, now_ms: int) -> None:
    if message.action == "log_in" and agent.state != AgentState.LOGGED_OUT:
        return
    takes_back = agent.state == AgentState.WRAP_UP and message.action == "resume" and agent.wanted
    if (agent.state == AgentState.ON_CONTACT and message.action in WANTED) or takes_back:
        agent.wanted, agent.reason = WANTED[message.action], message.reason
        board.touch_agent(agent.id)
        return
    if message.action == "end_wrap_up" and agent.state == AgentState.WRAP_UP:
        agent.until_ms = now_ms
        agents.wrap_up_over(board, agent.id, now_ms)
        return
    contact = board.contacts.get(agent.contact)
    was_offered = agent.offer if agent.state == AgentState.RESERVED and contact and agent.offer in contact.offers else ""
    if message.action == "log_in":
        agent.idle_since_ms, agent.handled = now_ms, 0
    agents.move(board, agent, ASKED[message.action], now_ms, reason=message.reason if message.action == "pause" else "")
    agent.wanted = ""
    if was_offered and contact:
        contacts.withdraw(board, contact, was_offered, now_ms)
    board.seek_contact(agent, now_ms)


HANDLERS: dict[type, Callable[[Floor, Any, int], None]] = {AgentAsked: asked}
