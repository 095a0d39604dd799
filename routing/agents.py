"""The rules of agents: how they move through the table, and what phones, offers and conversations do to them."""

from collections.abc import Callable
from typing import Any

from routing.agent_state import AgentEvent, AgentState, after
from routing.floor import Floor
from routing.messages import AgentHeld, PhoneReported
from routing.model import Agent, Contact

# The event that tells of a state, for other parts to follow; being reserved is told by offer_made.
TOLD = {
    AgentState.LOGGED_OUT: "agent_logged_out",
    AgentState.READY: "agent_ready",
    AgentState.ON_CONTACT: "agent_connected",
    AgentState.WRAP_UP: "agent_wrap_up_started",
    AgentState.PAUSED: "agent_paused",
}


def resume(board: Floor, agent: Agent, now_ms: int) -> None:
    """Take an agent from the record, after a change of router."""
    if agent.state == AgentState.ON_CONTACT and agent.contact not in board.contacts:
        contact_ended(board, agent, now_ms)  # a record was lost: nobody would tell the end of it
    if agent.state == AgentState.WRAP_UP:
        board.at(agent.until_ms, "wrap_up", agent.id)
    if agent.state == AgentState.RESERVED:
        board.at(agent.until_ms, "reservation", agent.id)


def move(board: Floor, agent: Agent, event: AgentEvent, now_ms: int, *, reason: str = "", until_ms: int = 0) -> None:
    """Take an agent through the table, and tell it. NotAllowed when the table refuses."""
    before, agent.state = agent.state, after(agent.state, event)
    agent.reason, agent.since_ms, agent.until_ms = reason, now_ms, until_ms
    if agent.state not in (AgentState.ON_CONTACT, AgentState.RESERVED):
        agent.contact = agent.offer = ""
    board.touch_agent(agent.id)
    told = "agent_logged_in" if event == AgentEvent.LOG_IN else TOLD[agent.state]
    board.tell(told, now_ms, agent=agent, state=agent.state, before=before, reason=reason, until_ms=until_ms, phone=agent.phone)
    if agent.state in (AgentState.READY, AgentState.PAUSED, AgentState.LOGGED_OUT):
        agent.queue = ""


def hold(board: Floor, agent: Agent, contact: Contact, offer: str, now_ms: int) -> None:
    """The agent talks to a contact that was found again; whatever was believed before is void."""
    board.matching.remove_agent(agent.id)
    before, agent.state = agent.state, AgentState.ON_CONTACT
    agent.contact, agent.queue, agent.offer = contact.id, contact.queue, offer
    agent.since_ms, agent.until_ms, agent.reason = contact.connected_at_ms, 0, ""
    board.touch_agent(agent.id)
    told: dict[str, Any] = {"state": agent.state, "before": before, "reason": "", "until_ms": 0, "phone": agent.phone}
    board.tell(TOLD[agent.state], now_ms, contact=contact, agent=agent, **told)


def held(board: Floor, message: AgentHeld, now_ms: int) -> None:
    """What a server remembers of an agent, for an agent of whom nothing is known: a talk that went with the data is over by now."""
    agent = board.agents.get(message.agent)
    if not agent or agent.state != AgentState.LOGGED_OUT or agent.since_ms or message.state == AgentState.LOGGED_OUT:
        return
    paused = message.state == AgentState.PAUSED
    agent.state, agent.reason = (AgentState.PAUSED, message.reason) if paused else (AgentState.READY, "")
    agent.since_ms, agent.idle_since_ms, agent.handled = message.since_ms, message.idle_since_ms or message.since_ms, message.handled
    board.touch_agent(agent.id)
    told: dict[str, Any] = {
        "state": agent.state,
        "before": AgentState.LOGGED_OUT,
        "reason": agent.reason,
        "until_ms": 0,
        "phone": agent.phone,
    }
    board.tell(TOLD[agent.state], now_ms, agent=agent, **told)
    board.seek_contact(agent, now_ms)


def phone_reported(board: Floor, message: PhoneReported, now_ms: int) -> None:
    """Asterisk tells that a phone is free, in use or gone. Offers go only to phones that are free."""
    agent = board.agents.get(board.phones.get(message.phone, ""))
    if not agent or agent.phone_state == message.state:
        return
    agent.phone_state = message.state
    board.touch_agent(agent.id)
    board.tell("phone_state_changed", now_ms, agent=agent, phone=message.phone, phone_state=message.state)
    board.seek_contact(agent, now_ms)


def offer_ended(board: Floor, agent: Agent, offer: str, outcome: str, now_ms: int) -> None:
    """An offer to this agent came to nothing: back to ready, or paused where the agent is plainly not there."""
    if agent.offer != offer or agent.state != AgentState.RESERVED:
        return
    policy = board.directory.queues[agent.queue]
    agent.refused[outcome] = agent.refused.get(outcome, 0) + 1
    if 0 < policy.pause_after.get(outcome, 0) <= agent.refused[outcome]:
        move(board, agent, AgentEvent.PAUSE, now_ms, reason=outcome)
    else:
        move(board, agent, AgentEvent.RELEASE, now_ms)
    board.seek_contact(agent, now_ms)


def connected(board: Floor, agent: Agent, now_ms: int) -> None:
    move(board, agent, AgentEvent.ANSWER, now_ms)


def contact_ended(board: Floor, agent: Agent, now_ms: int) -> None:
    """Wrap-up begins: the agent's own time, else the queue's."""
    if agent.state != AgentState.ON_CONTACT:
        return
    own = board.directory.agents[agent.id].wrap_up_ms
    wrap_up_ms = board.directory.queues[agent.queue].wrap_up_ms if own is None else own
    agent.handled += 1
    agent.idle_since_ms = now_ms
    reason = agent.reason
    move(board, agent, AgentEvent.END_CONTACT, now_ms, until_ms=now_ms + wrap_up_ms, reason=reason)
    if wrap_up_ms:
        board.at(agent.until_ms, "wrap_up", agent.id)
    else:
        wrap_up_over(board, agent.id, now_ms)


def wrap_up_over(board: Floor, id: str, now_ms: int) -> None:
    """Deadline: the wrap-up is over; what was asked for during the contact happens now."""
    agent = board.agents[id]
    if agent.state != AgentState.WRAP_UP or agent.until_ms > now_ms:
        return
    event = {"paused": AgentEvent.PAUSE, "logged_out": AgentEvent.LOG_OUT}.get(agent.wanted, AgentEvent.END_WRAP_UP)
    agent.wanted = ""
    move(board, agent, event, now_ms, reason=agent.reason if event == AgentEvent.PAUSE else "")
    board.seek_contact(agent, now_ms)


HANDLERS: dict[type, Callable[[Floor, Any, int], None]] = {PhoneReported: phone_reported, AgentHeld: held}
DEADLINES: dict[str, Callable[[Floor, str, int], None]] = {"wrap_up": wrap_up_over}
