"""The rules of agents: presence, phones, and what a server remembers of them after a loss. What they have in hand: assignments.py."""

from collections.abc import Callable
from typing import Any

from routing.board.state import BoardState
from routing.domain.agent import Agent, work_of
from routing.domain.agent_state import AgentEvent, AgentPresence, AgentState, after
from routing.domain.assignment import Assignment
from routing.domain.events.agents import (
    AgentBreakOverrun,
    AgentChanged,
    AgentConnected,
    AgentLoggedIn,
    AgentLoggedOut,
    AgentPaused,
    AgentQueuesChanged,
    AgentReady,
    AgentWorkChanged,
    AgentWrapUpStarted,
    PhoneStateChanged,
)
from routing.domain.kinds import is_counted_on
from routing.domain.members import AWAY
from routing.domain.messages import PhoneReported, ReachReported
from routing.domain.model import PhoneState
from routing.domain.orders import ReportPhoneOrder
from routing.domain.phone_address import ExternalNumber, PhoneAddress, phone_text

# The event of each state, for other parts to follow; `offer_made` stands for being reserved.
EVENTS_OF: dict[AgentState, type[AgentChanged]] = {
    AgentState.LOGGED_OUT: AgentLoggedOut,
    AgentState.READY: AgentReady,
    AgentState.RESERVED: AgentWorkChanged,
    AgentState.ON_CONTACT: AgentConnected,
    AgentState.WRAP_UP: AgentWrapUpStarted,
    AgentState.PAUSED: AgentPaused,
}


def move(board: BoardState, agent: Agent, event: AgentEvent, now_ms: int, *, reason: str = "", until_ms: int = 0) -> dict[str, Assignment]:
    """Change an agent's presence, and write the event. NotAllowed when the table refuses. What the agent had in hand is returned, and void:
    wrap-ups are over, offers are to be taken back."""
    before, queue, void = agent.state, agent.queue, dict(agent.assignments)
    agent.presence = AgentPresence(after(before, event).value)
    board.matching.remove_agent(agent.id)
    agent.requested = ""
    agent.assignments.clear()
    board.measure(agent, before, now_ms)
    if before not in AWAY and agent.presence != AgentPresence.READY:
        agent.away_since_ms = now_ms
    agent.reason, agent.presence_since_ms, agent.presence_until_ms = reason, now_ms, until_ms
    settle_when_free(board, agent, now_ms)
    board.touch_agent(agent.id)
    write(board, agent, AgentLoggedIn if event == AgentEvent.LOG_IN else EVENTS_OF[agent.state], now_ms, before=before, queue=queue)
    return void


def settle_when_free(board: BoardState, agent: Agent, now_ms: int) -> None:
    """An agent who is to leave, or to get another phone, does so when no call is left."""
    if agent.id in board.unsettled and not agent.in_call:
        board.schedule(now_ms, "settle", agent.id)


def write(
    board: BoardState, agent: Agent, what: type[AgentChanged], now_ms: int, *, before: AgentState | None = None, queue: str = ""
) -> None:
    """An event about an agent: how things are with them now, for others to follow. `queue` is that of what they have in hand."""
    left = tuple(agent.left_queues) if agent.left_queues or what is AgentQueuesChanged else None
    state, since_ms, until_ms = agent.seen
    data = what(
        state,
        agent.reason,
        until_ms,
        phone_text(agent.phone),
        since_ms,
        before,
        work_of(agent),
        left,
        agent.presence,
        dict(agent.assignments) or None,
        tuple(agent.unreached) or None,
        board.directory.pause_kind(agent.reason) if agent.presence == AgentPresence.PAUSED else None,
    )
    board.write(data, now_ms, agent=agent, queue=queue)


def found_at_work(board: BoardState, agent: Agent, before: AgentState, now_ms: int) -> None:
    """The agent is in a talk, whatever the board had as their presence."""
    agent.presence, agent.reason, agent.presence_until_ms = AgentPresence.READY, "", 0
    agent.occupied_at_ms = now_ms
    board.touch_agent(agent.id)
    write(board, agent, EVENTS_OF[agent.state], now_ms, before=before)
    board.seek_contact(agent, now_ms)


def take_break(board: BoardState, agent: Agent, reason: str, now_ms: int) -> dict[str, Assignment]:
    """A pause that somebody asked for; how long it may last is the site's. Returns what is void, as `move`."""
    limit = board.directory.pause_limit(reason)
    until_ms = now_ms + limit.longest_ms if limit.longest_ms else 0
    void = move(board, agent, AgentEvent.PAUSE, now_ms, reason=reason, until_ms=until_ms)
    if until_ms:
        board.schedule(until_ms, "break", agent.id)
    return void


def phone_reported(board: BoardState, message: PhoneReported, now_ms: int) -> None:
    """Asterisk reports that a phone is free, in use or gone. Offers go only to phones that are free."""
    agent = board.agents.get(board.phones.get(message.phone, ""))
    if not agent:
        board.loose_phones[message.phone] = (message.state, message.asterisk)
        return
    gone = message.state == "unavailable"
    if gone and agent.phone_at not in ("", message.asterisk):
        return  # it is registered at another Asterisk
    if not gone and agent.phone_at != message.asterisk:
        board.matching.remove_agent(agent.id)
        agent.phone_at = message.asterisk
        board.touch_agent(agent.id)
    elif agent.phone_state == message.state:
        return
    if agent.phone_state != message.state:
        agent.phone_state, agent.phone_since_ms = message.state, now_ms
    board.touch_agent(agent.id)
    board.write(PhoneStateChanged(str(message.phone), message.state, agent.phone_at), now_ms, agent=agent)
    board.seek_contact(agent, now_ms)


def reach_reported(board: BoardState, message: ReachReported, now_ms: int) -> None:
    """A medium reports whether it reaches an agent."""
    agent = board.agents.get(message.agent)
    if not agent or (message.kind not in agent.unreached) == message.is_reached:
        return
    others = [kind for kind in agent.unreached if kind != message.kind]
    agent.unreached = others if message.is_reached else [*others, message.kind]
    board.touch_agent(agent.id)
    write(board, agent, AgentWorkChanged, now_ms)
    board.seek_contact(agent, now_ms)


def sit_down(board: BoardState, agent: Agent, phone: PhoneAddress, now_ms: int) -> bool:
    """The agent works on that phone from now on, until log-out; whoever is logged out has none until logging in. False when it is used."""
    other = board.agents.get(board.phones.get(phone, ""))
    if other and other is not agent:
        if other.state != AgentState.LOGGED_OUT:
            return False
        give_phone(board, other, None, None, now_ms)
        board.touch_agent(other.id)
    if phone != agent.phone:
        give_phone(board, agent, phone, None if phone == board.directory.agents[agent.id].phone else phone, now_ms)
    return True


def leave_phone(board: BoardState, agent: Agent, now_ms: int) -> None:
    """Back to the own phone, unless somebody sits there meanwhile: then to none, until logging in."""
    own = board.directory.agents[agent.id].phone
    if agent.desk_phone:
        give_phone(board, agent, None if own in board.phones else own, None, now_ms)


def free_phone(board: BoardState, agent: Agent) -> None:
    """The agent's phone is nobody's for now."""
    if agent.phone:
        board.loose_phones[agent.phone] = (agent.phone_state, agent.phone_at)
        board.phones.pop(agent.phone, None)


def give_phone(board: BoardState, agent: Agent, phone: PhoneAddress | None, desk_phone: PhoneAddress | None, now_ms: int) -> None:
    """Another phone, or none; `desk_phone` is the same one where it is not the agent's own."""
    free_phone(board, agent)
    agent.phone, agent.desk_phone, agent.phone_since_ms = phone, desk_phone, now_ms
    agent.phone_state, agent.phone_at = _state_of(board, phone)
    if phone:
        board.phones[phone] = agent.id
    board.write(PhoneStateChanged(phone_text(phone), agent.phone_state, agent.phone_at), now_ms, agent=agent)


def _state_of(board: BoardState, phone: PhoneAddress | None) -> tuple[PhoneState, str]:
    """How a phone is that nobody had, and at which Asterisk. One that this router has not heard of is asked for."""
    if isinstance(phone, ExternalNumber):
        return "available", ""
    if phone is None:
        return "unavailable", ""
    if phone not in board.loose_phones:
        for server in board.servers:
            board.order(server, ReportPhoneOrder(phone))
    return board.loose_phones.pop(phone, ("unavailable", ""))


def presence_over(board: BoardState, id: str, now_ms: int) -> None:
    """Deadline: an agent counts as there, and the phone has been gone for long: paused, so that nobody counts on them."""
    agent = board.agents[id]
    is_gone = agent.state == AgentState.READY and not is_counted_on(agent, board.directory.agents[id])
    if is_gone and board.given_up_ms(agent) <= now_ms:
        move(board, agent, AgentEvent.PAUSE, now_ms, reason="unreachable")
        board.seek_contact(agent, now_ms)


def break_over(board: BoardState, id: str, now_ms: int) -> None:
    """Deadline: a break, or being not ready, has reached its longest time. An event is written; the agent decides, or the supervisor."""
    agent = board.agents[id]
    if agent.state == AgentState.PAUSED and 0 < agent.presence_until_ms <= now_ms:
        write(board, agent, AgentBreakOverrun, now_ms)


HANDLERS: dict[type, Callable[[BoardState, Any, int], None]] = {PhoneReported: phone_reported, ReachReported: reach_reported}
DEADLINES: dict[str, Callable[[BoardState, str, int], None]] = {"break": break_over, "presence": presence_over}
