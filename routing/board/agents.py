"""The rules of agents: how they move through the table, and what phones, offers and conversations do to them."""

from collections.abc import Callable
from typing import Any

from routing.board.state import BoardState
from routing.board.strategies import STRATEGIES, least_occupied
from routing.domain.agent_state import AgentEvent, AgentState, after
from routing.domain.events.agents import (
    AgentBreakOverrun,
    AgentChanged,
    AgentConnected,
    AgentLoggedIn,
    AgentLoggedOut,
    AgentPaused,
    AgentPhoneChanged,
    AgentQueuesChanged,
    AgentReady,
    AgentWrapUpStarted,
    PhoneStateChanged,
)
from routing.domain.members import AWAY
from routing.domain.messages import AgentHeld, PhoneReported, TellPhoneOrder
from routing.domain.model import OUTSIDE, UNTIL_DONE, Agent, Contact, PhoneState, take_work, work_of

# Outcomes of an offer that the agent or the phone made.
OF_THE_AGENT = frozenset({"declined", "busy", "rang_out", "unreachable"})
# The event that tells of a state, for other parts to follow; being reserved is told by offer_made.
TOLD: dict[AgentState, type[AgentChanged]] = {
    AgentState.LOGGED_OUT: AgentLoggedOut,
    AgentState.READY: AgentReady,
    AgentState.ON_CONTACT: AgentConnected,
    AgentState.WRAP_UP: AgentWrapUpStarted,
    AgentState.PAUSED: AgentPaused,
}
IN_CALL = (AgentState.RESERVED, AgentState.ON_CONTACT)


def resume(board: BoardState, agent: Agent, now_ms: int) -> None:
    """Take an agent from the record, after a change of router."""
    if agent.state == AgentState.ON_CONTACT and agent.contact not in board.contacts:
        contact_ended(board, agent, now_ms)  # a record was lost: nobody would tell the end of it
    if agent.state == AgentState.WRAP_UP and agent.until_ms:
        board.at(agent.until_ms, "wrap_up", agent.id)
    if agent.state == AgentState.PAUSED and agent.until_ms > now_ms:
        board.at(agent.until_ms, "break", agent.id)
    if agent.state == AgentState.RESERVED:
        board.at(agent.until_ms, "reservation", agent.id)


def move(board: BoardState, agent: Agent, event: AgentEvent, now_ms: int, *, reason: str = "", until_ms: int = 0) -> None:
    """Take an agent through the table, and tell it. NotAllowed when the table refuses."""
    before, agent.state = agent.state, after(agent.state, event)
    _measure(agent, before, now_ms)
    if before not in AWAY and agent.state in AWAY:
        agent.away_since_ms = now_ms
    agent.reason, agent.since_ms, agent.until_ms = reason, now_ms, until_ms
    if agent.state not in IN_CALL:
        agent.contact = agent.offer = ""
        if agent.id in board.unsettled:
            board.at(now_ms, "settle", agent.id)
    board.touch_agent(agent.id)
    tell(board, agent, AgentLoggedIn if event == AgentEvent.LOG_IN else TOLD[agent.state], now_ms, before=before)
    if agent.state in (AgentState.READY, AgentState.PAUSED, AgentState.LOGGED_OUT):
        agent.queue = ""


def tell(
    board: BoardState,
    agent: Agent,
    what: type[AgentChanged],
    now_ms: int,
    *,
    contact: Contact | None = None,
    before: AgentState | None = None,
) -> None:
    """An event about an agent: how things are with them now, for others to follow."""
    left = tuple(agent.left_queues) if agent.left_queues or what is AgentQueuesChanged else None
    told = what(agent.state, agent.reason, agent.until_ms, agent.phone, agent.since_ms, before, work_of(agent), left)
    board.tell(told, now_ms, contact=contact, agent=agent)


def _measure(agent: Agent, before: AgentState, now_ms: int) -> None:
    """Keep the agent's occupancy up to date: time away does not count."""
    if before not in AWAY:
        busy = before in (AgentState.ON_CONTACT, AgentState.WRAP_UP)
        agent.occupancy = least_occupied.after(agent.occupancy, now_ms - agent.occupied_at_ms, busy=busy)
    agent.occupied_at_ms = now_ms


def hold(board: BoardState, agent: Agent, contact: Contact, offer: str, now_ms: int) -> None:
    """The agent talks to a contact that was found again; whatever was believed before is void."""
    before, agent.state = agent.state, AgentState.ON_CONTACT
    agent.contact, agent.queue, agent.offer = contact.id, contact.queue, offer
    agent.since_ms, agent.until_ms, agent.reason = contact.connected_at_ms, 0, ""
    agent.occupied_at_ms = now_ms
    board.touch_agent(agent.id)
    tell(board, agent, TOLD[agent.state], now_ms, contact=contact, before=before)
    board.seek_contact(agent, now_ms)


def held(board: BoardState, message: AgentHeld, now_ms: int) -> None:
    """What a server remembers of an agent, for an agent of whom nothing is known but, perhaps, a talk that was found before. A talk that
    went with the data is over by now; a wrap-up, a pause and a wish go on."""
    agent = board.agents.get(message.agent)
    in_talk = agent is not None and agent.state == AgentState.ON_CONTACT and not agent.idle_since_ms
    unknown = agent is not None and agent.state == AgentState.LOGGED_OUT and not agent.since_ms
    if not agent or not (in_talk or unknown) or message.state == AgentState.LOGGED_OUT:
        return
    take_work(agent, message.work.over(work_of(agent)))
    agent.idle_since_ms = agent.idle_since_ms or message.since_ms
    agent.left_queues = list(message.left_queues)
    if message.phone:
        sit_down(board, agent, message.phone, now_ms)
    board.touch_agent(agent.id)
    if unknown:
        _goes_on(board, agent, message, now_ms)
        tell(board, agent, TOLD[agent.state], now_ms, before=AgentState.LOGGED_OUT)
    else:
        if message.state == AgentState.ON_CONTACT:
            agent.reason = message.reason  # of the wish
        tell(board, agent, AgentPhoneChanged, now_ms)
    resume(board, agent, now_ms)
    board.seek_contact(agent, now_ms)


def _goes_on(board: BoardState, agent: Agent, message: AgentHeld, now_ms: int) -> None:
    """The agent is as remembered; a talk or a ring that nobody knows of any more is over, and with it what was wished for is granted."""
    agent.since_ms, agent.occupied_at_ms = message.since_ms, agent.occupied_at_ms or now_ms
    if message.state == AgentState.WRAP_UP and message.queue in board.directory.queues:
        agent.state, agent.reason, agent.until_ms, agent.queue = AgentState.WRAP_UP, message.reason, message.until_ms, message.queue
    elif message.state == AgentState.PAUSED or agent.wanted == "paused":
        agent.state, agent.reason, agent.until_ms, agent.wanted = AgentState.PAUSED, message.reason, message.until_ms, ""
    else:
        agent.state, agent.reason, agent.until_ms = AgentState.READY, "", 0


def phone_reported(board: BoardState, message: PhoneReported, now_ms: int) -> None:
    """Asterisk tells that a phone is free, in use or gone. Offers go only to phones that are free."""
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
    board.tell(PhoneStateChanged(message.phone, message.state, agent.phone_at), now_ms, agent=agent)
    board.seek_contact(agent, now_ms)


def offer_ended(board: BoardState, agent: Agent, offer: str, outcome: str, now_ms: int) -> None:
    """An offer to this agent came to nothing: back to ready, or paused where the agent is plainly not there."""
    if agent.offer != offer or agent.state != AgentState.RESERVED:
        return
    policy = board.directory.queues[agent.queue]
    no_fault = outcome == "rang_out" and STRATEGIES[policy.strategy].rings_several  # somebody else was expected to answer
    if outcome in (OF_THE_AGENT | policy.pause_after.keys()) and not no_fault:
        agent.refused = {outcome: agent.refused.get(outcome, 0) + 1}
    if 0 < policy.pause_after.get(outcome, 0) <= agent.refused.get(outcome, 0):
        move(board, agent, AgentEvent.PAUSE, now_ms, reason=outcome)
    else:
        move(board, agent, AgentEvent.RELEASE, now_ms)
    board.seek_contact(agent, now_ms)


def connected(board: BoardState, agent: Agent, now_ms: int) -> None:
    agent.refused.clear()
    move(board, agent, AgentEvent.ANSWER, now_ms)


def contact_ended(board: BoardState, agent: Agent, now_ms: int) -> None:
    """Wrap-up begins: the agent's own time, else the queue's."""
    if agent.state != AgentState.ON_CONTACT:
        return
    own = board.directory.agents[agent.id].wrap_up_ms
    wrap_up_ms = board.directory.queues[agent.queue].wrap_up_ms if own is None else own
    agent.handled += 1
    agent.idle_since_ms = now_ms
    until_ms = 0 if wrap_up_ms == UNTIL_DONE else now_ms + wrap_up_ms
    move(board, agent, AgentEvent.END_CONTACT, now_ms, until_ms=until_ms, reason=agent.reason)
    if wrap_up_ms == 0:
        wrap_up_over(board, agent.id, now_ms)
    elif until_ms:
        board.at(until_ms, "wrap_up", agent.id)


def wrap_up_over(board: BoardState, id: str, now_ms: int) -> None:
    """Deadline: the wrap-up is over, unless a disposition is still to be given; what was asked for during the contact happens now."""
    agent = board.agents[id]
    if agent.state != AgentState.WRAP_UP or not agent.until_ms or agent.until_ms > now_ms or owes_disposition(board, agent):
        return
    end_wrap_up(board, agent, now_ms)


def end_wrap_up(board: BoardState, agent: Agent, now_ms: int) -> None:
    """On to what comes after: ready, or what was asked for during the contact."""
    event = {"paused": AgentEvent.PAUSE, "logged_out": AgentEvent.LOG_OUT}.get(agent.wanted, AgentEvent.END_WRAP_UP)
    agent.wanted = ""
    if event == AgentEvent.LOG_OUT:
        leave_phone(board, agent, now_ms)
    if event == AgentEvent.PAUSE:
        take_break(board, agent, agent.reason, now_ms)
    else:
        move(board, agent, event, now_ms)
    board.seek_contact(agent, now_ms)


def take_break(board: BoardState, agent: Agent, reason: str, now_ms: int) -> None:
    """A pause that somebody asked for; how long it may last is the site's."""
    limit = board.directory.breaks.get(reason)
    until_ms = now_ms + limit.longest_ms if limit and limit.longest_ms else 0
    move(board, agent, AgentEvent.PAUSE, now_ms, reason=reason, until_ms=until_ms)
    if until_ms:
        board.at(until_ms, "break", agent.id)


def owes_disposition(board: BoardState, agent: Agent) -> bool:
    """Whether the last contact's queue wants a disposition that has not been given."""
    policy = board.directory.queues.get(agent.last_queue)
    return bool(policy and policy.disposition_required and policy.dispositions and not agent.disposition)


def sit_down(board: BoardState, agent: Agent, phone: str, now_ms: int) -> bool:
    """The agent works on that phone from now on, until log-out; whoever is logged out has none until logging in. False when it is used."""
    other = board.agents.get(board.phones.get(phone, ""))
    if other and other is not agent:
        if other.state != AgentState.LOGGED_OUT:
            return False
        give_phone(board, other, "", "", now_ms)
        board.touch_agent(other.id)
    if phone != agent.phone:
        give_phone(board, agent, phone, "" if phone == board.directory.agents[agent.id].phone else phone, now_ms)
    return True


def leave_phone(board: BoardState, agent: Agent, now_ms: int) -> None:
    """Back to the own phone, unless somebody sits there meanwhile: then to none, until logging in."""
    own = board.directory.agents[agent.id].phone
    if agent.desk_phone:
        give_phone(board, agent, "" if own in board.phones else own, "", now_ms)


def free_phone(board: BoardState, agent: Agent) -> None:
    """The agent's phone is nobody's for now."""
    if agent.phone:
        board.loose_phones[agent.phone] = (agent.phone_state, agent.phone_at)
        board.phones.pop(agent.phone, None)


def give_phone(board: BoardState, agent: Agent, phone: str, desk_phone: str, now_ms: int) -> None:
    """Another phone, or none; `desk_phone` is the same one where it is not the agent's own."""
    free_phone(board, agent)
    agent.phone, agent.desk_phone, agent.phone_since_ms = phone, desk_phone, now_ms
    agent.phone_state, agent.phone_at = _state_of(board, phone)
    if phone:
        board.phones[phone] = agent.id
    board.tell(PhoneStateChanged(phone, agent.phone_state, agent.phone_at), now_ms, agent=agent)


def _state_of(board: BoardState, phone: str) -> tuple[PhoneState, str]:
    """How a phone is that nobody had, and at which Asterisk. One that this router has not heard of is asked for."""
    if phone.startswith(OUTSIDE):
        return "available", ""
    if phone and phone not in board.loose_phones:
        for server in board.servers:
            board.order(server, TellPhoneOrder(phone))
    return board.loose_phones.pop(phone, ("unavailable", ""))


def presence_over(board: BoardState, id: str, now_ms: int) -> None:
    """Deadline: an agent counts as there, and the phone has been gone for long: paused, so that nobody counts on them."""
    agent = board.agents[id]
    if agent.state == AgentState.READY and agent.phone_state == "unavailable" and board.given_up_ms(agent) <= now_ms:
        move(board, agent, AgentEvent.PAUSE, now_ms, reason="unreachable")
        board.seek_contact(agent, now_ms)


def break_over(board: BoardState, id: str, now_ms: int) -> None:
    """Deadline: a break has reached its longest time. It is told; the agent decides, or the supervisor."""
    agent = board.agents[id]
    if agent.state == AgentState.PAUSED and 0 < agent.until_ms <= now_ms:
        tell(board, agent, AgentBreakOverrun, now_ms)


HANDLERS: dict[type, Callable[[BoardState, Any, int], None]] = {PhoneReported: phone_reported, AgentHeld: held}
DEADLINES: dict[str, Callable[[BoardState, str, int], None]] = {"wrap_up": wrap_up_over, "break": break_over, "presence": presence_over}
