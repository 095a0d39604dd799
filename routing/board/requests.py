"""What people ask for, on their phone or over HTTP: agents a state, their wrap-up, their queues; supervisors a change to a waiting contact.

Each request gets one reply.
"""

from collections.abc import Callable
from typing import Any

from routing.board import agents, assignments, contacts, overflow, wrap_up
from routing.board.state import BoardState
from routing.domain.agent import Agent
from routing.domain.agent_state import AgentEvent, AgentPresence, AgentState, NotAllowed
from routing.domain.assignment import Assignment
from routing.domain.contact_state import TAKEN, ContactState
from routing.domain.events.agents import AgentPhoneChanged, AgentQueuesChanged
from routing.domain.events.contacts import ContactPrioritised
from routing.domain.messages import AgentAsked, ContactAsked
from routing.domain.model import Contact
from routing.domain.orders import Reply
from routing.domain.phone_address import PhoneAddress

ASKED = {
    "log_in": AgentEvent.LOG_IN,
    "log_out": AgentEvent.LOG_OUT,
    "pause": AgentEvent.PAUSE,
    "resume": AgentEvent.RESUME,
    "end_wrap_up": AgentEvent.END_WRAP_UP,
}
STALE_MS = 10_000  # while Redis is away requests wait; whoever asked had the answer that nobody replies
REQUESTABLE = {"pause": "paused", "log_out": "logged_out", "resume": ""}
TOO_LATE = "this was asked too long ago to be done now"


def asked(board: BoardState, message: AgentAsked, now_ms: int) -> None:
    """An agent asks for something; the reply says what came of it."""
    agent = board.agents.get(message.agent)
    if not agent or agent.id not in board.site.agents:
        board.order(message.server, Reply(message.request, "", f"there is no agent {message.agent!r}; config/agents.yaml lists them"))
        return
    error = TOO_LATE if message.at_ms and now_ms - message.at_ms > STALE_MS else ""
    try:
        if not error:
            OTHERS.get(message.action, _change_state)(board, agent, message, now_ms)
    except NotAllowed as refused:
        error = str(refused)
    board.order(message.server, Reply(message.request, agent.state, error))


def _change_state(board: BoardState, agent: Agent, message: AgentAsked, now_ms: int) -> None:
    if message.action == "log_in" and agent.state != AgentState.LOGGED_OUT:
        _change_phone(board, agent, message.phone, now_ms)
        return
    if message.action == "pause":
        _check_break(board, agent, message.reason)
    takes_back = agent.assignments and message.action == "resume" and agent.requested
    is_owing = message.action == "pause" and assignments.owing(board, agent)
    if (agent.state == AgentState.ON_CONTACT and message.action in REQUESTABLE) or takes_back or is_owing:
        assignments.wish(board, agent, REQUESTABLE[message.action], message.reason, now_ms)
        board.seek_contact(agent, now_ms)
        return
    if message.action == "log_in":
        _start_work(board, agent, message, now_ms)
    if message.action == "log_out":
        agents.leave_phone(board, agent, now_ms)
    void = _move(board, agent, message, now_ms)
    contacts.withdraw_void(board, void, now_ms)
    board.seek_contact(agent, now_ms)


def _move(board: BoardState, agent: Agent, message: AgentAsked, now_ms: int) -> dict[str, Assignment]:
    """Returns what the agent has no hand for any more."""
    if message.action == "pause":
        return agents.take_break(board, agent, message.reason, now_ms)
    if message.action == "resume" and agent.state == AgentState.PAUSED:
        agent.refused.clear()
    void = agents.move(board, agent, ASKED[message.action], now_ms)
    assignments.owe_last(board, agent, now_ms)
    return void


def _start_work(board: BoardState, agent: Agent, message: AgentAsked, now_ms: int) -> None:
    """A log-in, at the phone that it names."""
    phone = message.phone or board.directory.agents[agent.id].phone
    if not phone:
        raise NotAllowed(f"agent {agent.id} has no phone of their own: a log-in says at which one, or is keyed there")
    _sit_down(board, agent, phone, now_ms)
    agent.idle_since_ms, agent.handled, agent.talked_ms, agent.occupancy = now_ms, 0, 0, 0.0
    agent.refused.clear()
    agent.left_queues.clear()
    agent.left_at_ms.clear()


def _sit_down(board: BoardState, agent: Agent, phone: PhoneAddress, now_ms: int) -> None:
    """The agent works on that phone from now on. NotAllowed when somebody else does."""
    if not agents.sit_down(board, agent, phone, now_ms):
        raise NotAllowed(f"phone {phone} is in use by {board.phones[phone]}, who must log out first")


def _change_phone(board: BoardState, agent: Agent, phone: PhoneAddress | None, now_ms: int) -> None:
    """Who is logged in logs in again: at another phone, that one is used from now on; nothing else changes."""
    if not phone or phone == agent.phone:
        return
    if agent.in_call:
        raise NotAllowed(f"agent {agent.id} has a call on phone {agent.phone}, which must end first")
    _sit_down(board, agent, phone, now_ms)
    board.touch_agent(agent.id)
    agents.write(board, agent, AgentPhoneChanged, now_ms)
    board.seek_contact(agent, now_ms)


def _check_break(board: BoardState, agent: Agent, reason: str) -> None:
    """NotAllowed when as many agents as may be are on that break, or not ready for whatever reason, or have asked for it."""
    site, limit = board.directory, board.directory.pause_limit(reason)
    if not limit.at_once:
        return
    kind = site.pause_kind(reason)
    away = [
        other.id
        for other in board.agents.values()
        if other is not agent and (other.presence == AgentPresence.PAUSED or other.requested == "paused")
        if (other.reason == reason if kind == "break" else site.pause_kind(other.reason) == kind)
    ]
    if len(away) >= limit.at_once:
        agents_are = "1 agent is" if len(away) == 1 else f"{len(away)} agents are"
        how = f"paused for {reason!r}" if kind == "break" else "not ready"
        raise NotAllowed(f"{agents_are} {how} and no more than {limit.at_once} may be: {', '.join(sorted(away)[:5])}")


def _change_queues(board: BoardState, agent: Agent, message: AgentAsked, now_ms: int) -> None:
    """Take contacts of one of the agent's queues again, or for now not."""
    queues = board.directory.agents[agent.id].queues
    if message.queue not in queues:
        raise NotAllowed(f"agent {agent.id} does not serve the queue {message.queue!r}; the queues are: {', '.join(queues) or 'none'}")
    board.matching.remove_agent(agent.id)
    left = [queue for queue in agent.left_queues if queue != message.queue]
    if message.action == "leave_queue":
        left.append(message.queue)
        agent.left_at_ms.setdefault(message.queue, now_ms)
    else:
        agent.left_at_ms.pop(message.queue, None)
    agent.left_queues = left
    board.touch_agent(agent.id)
    agents.write(board, agent, AgentQueuesChanged, now_ms)
    board.seek_contact(agent, now_ms)


def asked_of_contact(board: BoardState, message: ContactAsked, now_ms: int) -> None:
    """A supervisor changes a waiting contact; the reply says what came of it."""
    contact = board.contacts.get(message.contact)
    if not contact or contact.state in TAKEN:
        words = "talks to an agent already" if contact else "waits no longer, or never did"
        board.order(message.server, Reply(message.request, contact.state if contact else "", f"contact {message.contact} {words}"))
        return
    error = TOO_LATE if message.at_ms and now_ms - message.at_ms > STALE_MS else ""
    if not error:
        error = OF_CONTACTS[message.action](board, contact, message, now_ms)
    board.order(message.server, Reply(message.request, contact.state, error))


def _prioritise(board: BoardState, contact: Contact, message: ContactAsked, now_ms: int) -> str:
    before, contact.priority = contact.priority, message.priority
    board.touch_contact(contact.id)
    board.write(ContactPrioritised(contact.priority, before), now_ms, contact=contact)
    if contact.state == ContactState.WAITING:
        board.seek_agent(contact, now_ms)
    return ""


def _move_contact(board: BoardState, contact: Contact, message: ContactAsked, now_ms: int) -> str:
    if message.queue not in board.site.queues:
        return f"there is no queue {message.queue!r}; known are: {', '.join(board.site.queues)}"
    if message.queue == contact.queue:
        return f"contact {contact.id} waits in {contact.queue} already"
    if contact.state == ContactState.SCHEDULED:
        overflow.change_queue(board, contact, message.queue, "asked", now_ms)
        return ""
    rung = {offer: contacts.call_off(board, contact, offer, now_ms) for offer in list(contact.offers)}
    contacts.stop_ringing(contact)
    overflow.move(board, contact, message.queue, "asked", now_ms)
    for offer, agent in rung.items():  # free only now: they may take the contact where it waits now, in its turn
        assignments.offer_ended(board, agent, offer, "withdrawn", now_ms)
    return ""


def _withdraw(board: BoardState, contact: Contact, message: ContactAsked, now_ms: int) -> str:
    contacts.send_away(board, contact, "withdrawn", now_ms)
    return ""


OTHERS: dict[str, Callable[[BoardState, Agent, AgentAsked, int], None]] = {
    **wrap_up.ACTIONS,
    "join_queue": _change_queues,
    "leave_queue": _change_queues,
}
OF_CONTACTS: dict[str, Callable[[BoardState, Contact, ContactAsked, int], str]] = {
    "prioritise": _prioritise,
    "move": _move_contact,
    "withdraw": _withdraw,
}
HANDLERS: dict[type, Callable[[BoardState, Any, int], None]] = {AgentAsked: asked, ContactAsked: asked_of_contact}
