"""The rules of contacts: joining, relaxing, being offered, refused, connected, leaving and ending."""

from collections.abc import Callable
from typing import Any

from routing import agents
from routing.agent_state import AgentEvent, AgentState
from routing.contact_state import ContactEvent, ContactState, after
from routing.floor import Floor
from routing.messages import (
    ContactArrived,
    ContactLeft,
    LeaveOrder,
    LeaveOutcome,
    OfferAnswered,
    OfferEnded,
    OfferRinging,
    TalkEnded,
    TalkHeld,
    WithdrawOrder,
)
from routing.model import Agent, Contact
from routing.requirement import readable

CLOCKS_DIFFER_MS = 5_000  # a caller who joined later than that from now has come from a server whose clock is wrong
LEFT_EVENTS = {"abandoned": "contact_abandoned", "timed_out": "contact_timed_out"}  # the other outcomes: contact_left
REFUSALS = {"declined", "busy", "rang_out", "unreachable", "failed"}


def resume(board: Floor, contact: Contact, now_ms: int) -> None:
    """Take a contact from its record, after a change of router."""
    if contact.state != ContactState.CONNECTED:
        board.in_queue[contact.queue] += 1
        _plan(board, contact)
    if contact.state == ContactState.WAITING:
        board.seek_agent(contact, now_ms)


def arrived(board: Floor, message: ContactArrived, now_ms: int) -> None:
    """Join a queue, or be told why not."""
    board.lost.discard(message.server)
    known = board.contacts.get(message.contact)
    if known:
        _arrived_again(board, known, message, now_ms)
        return
    contact = Contact(
        message.contact,
        message.call,
        message.server,
        message.queue,
        list(message.steps),
        message.enqueued_at_ms if message.enqueued_at_ms <= now_ms + CLOCKS_DIFFER_MS else now_ms,
        ani=message.ani,
        language=message.language,
        data=dict(message.data),
    )
    refusal = _refusal(board, contact, known_before=message.again or message.back)
    if refusal:
        board.order(contact.server, LeaveOrder(contact.id, refusal))
        board.tell("contact_left", now_ms, contact=contact, outcome=refusal, waited_ms=0)
        return
    contact.priority = message.priority + board.directory.queues[contact.queue].priority
    board.contacts[contact.id] = contact
    board.in_queue[contact.queue] += 1
    board.touch_contact(contact.id)
    _plan(board, contact)
    board.tell("contact_queued", now_ms, contact=contact, **_whole(contact))
    _void_unknown_ring(board, contact, message)
    board.seek_agent(contact, now_ms)


def _whole(contact: Contact) -> dict[str, Any]:
    """Everything that others must know to know a contact."""
    when: dict[str, Any] = {"enqueued_at_ms": contact.enqueued_at_ms, "priority": contact.priority, "steps": contact.steps}
    return {**when, "ani": contact.ani, "language": contact.language, "caller": contact.data, "server": contact.server}


def _arrived_again(board: Floor, contact: Contact, message: ContactArrived, now_ms: int) -> None:
    """A caller who is known: told again, or back from being at no server."""
    before, contact.server = contact.server, message.server
    board.touch_contact(contact.id)
    if before != contact.server:
        board.tell("contact_taken_over", now_ms, contact=contact, server=contact.server, before=before)
    if message.back:
        _back(board, contact, message, now_ms)
    else:
        _void_unknown_ring(board, contact, message)


def _back(board: Floor, contact: Contact, message: ContactArrived, now_ms: int) -> None:
    """Nobody rings for this caller, and nobody talks to them: on with the wait, at the old place."""
    if contact.state == ContactState.CONNECTED:
        offer = next(iter(contact.offers), "")
        ended(board, TalkEnded(contact.id, offer, "agent", now_ms - contact.connected_at_ms), now_ms)
        board.order(message.server, LeaveOrder(message.contact, "failed"))
        return
    for offer in list(contact.offers):
        outcome = message.last_outcome if offer == message.last_offer else "withdrawn"
        offer_ended(board, OfferEnded(contact.id, offer, outcome), now_ms)
    if contact.id in board.contacts and contact.state == ContactState.WAITING:
        board.seek_agent(contact, now_ms)


def _void_unknown_ring(board: Floor, contact: Contact, message: ContactArrived) -> None:
    """A phone rings for an offer that went with Redis's data: it is taken back, and the contact is offered anew."""
    if message.ringing and message.ringing not in contact.offers:
        board.order(message.server, WithdrawOrder(contact.id, message.ringing))


def talk_held(board: Floor, message: TalkHeld, now_ms: int) -> None:
    """A conversation that the board does not know of, or knows of as an offer: it goes on."""
    known = board.contacts.get(message.contact)
    if known:
        _adopt_talk(board, known, message, now_ms)
        return
    agent = board.agents.get(message.agent)
    if agent is None or message.queue not in board.directory.queues:
        return
    contact = Contact(message.contact, message.call, message.server, message.queue, list(message.steps), message.enqueued_at_ms)
    contact.ani, contact.language, contact.data = message.ani, message.language, dict(message.data)
    contact.state, contact.offers = ContactState.CONNECTED, {message.offer: agent.id}
    contact.agent, contact.connected_at_ms = agent.id, message.connected_at_ms
    board.contacts[contact.id] = contact
    board.touch_contact(contact.id)
    agents.hold(board, agent, contact, message.offer, now_ms)
    connected_at_ms = contact.connected_at_ms
    board.tell(
        "contact_restored", now_ms, contact=contact, agent=agent, offer=message.offer, connected_at_ms=connected_at_ms, **_whole(contact)
    )


def _adopt_talk(board: Floor, contact: Contact, message: TalkHeld, now_ms: int) -> None:
    """They talk, whatever the board believed: of this offer, of another one, or that the contact still waits."""
    contact.server = message.server
    board.touch_contact(contact.id)
    agent = board.agents.get(message.agent)
    if contact.state == ContactState.CONNECTED or agent is None:
        return
    if message.offer in contact.offers:
        offer_answered(board, OfferAnswered(contact.id, message.offer), now_ms)
        return
    for offer in list(contact.offers):
        _take_offer_back(board, contact, offer, now_ms)
    board.matching.remove_contact(contact.id)
    board.in_queue[contact.queue] -= 1
    other = board.contacts.get(agent.contact)
    reserved = agent.offer
    contact.state, contact.offers = ContactState.CONNECTED, {message.offer: agent.id}
    contact.agent, contact.connected_at_ms = agent.id, message.connected_at_ms
    agents.hold(board, agent, contact, message.offer, now_ms)
    if other and other.state == ContactState.OFFERED and reserved in other.offers:
        withdraw(board, other, reserved, now_ms)
    waited_ms = contact.connected_at_ms - contact.enqueued_at_ms
    board.tell("contact_connected", now_ms, contact=contact, agent=agent, offer=message.offer, waited_ms=waited_ms)


def _refusal(board: Floor, contact: Contact, *, known_before: bool) -> LeaveOutcome | None:
    policy = board.directory.queues.get(contact.queue)
    if policy is None or not contact.steps or not all(readable(expression) for _, expression in contact.steps):
        return "failed"
    if known_before:
        return None
    if board.in_queue[policy.name] >= policy.max_waiting:
        return "full"
    if policy.join_when != "always":
        wanted = {AgentState.READY} if policy.join_when == "ready" else set(AgentState) - {AgentState.LOGGED_OUT}
        if not any(board.agents[member.id].state in wanted for member in board.matching.members(policy.name)):
            return "no_agents"
    return None


def _plan(board: Floor, contact: Contact) -> None:
    """Ask for the deadlines that follow from the record."""
    board.at(contact.enqueued_at_ms + board.directory.queues[contact.queue].max_wait_ms, "max_wait", contact.id)
    for after_ms, _ in contact.steps[1:]:
        board.at(contact.enqueued_at_ms + after_ms, "seek", contact.id)
    for until_ms in contact.refused_until_ms.values():
        board.at(until_ms, "seek", contact.id)


def seek(board: Floor, id: str, now_ms: int) -> None:
    """Deadline: the requirement relaxes, or a refusal is forgotten."""
    contact = board.contacts.get(id)
    if contact and contact.state == ContactState.WAITING:
        board.seek_agent(contact, now_ms)


def waited_long_enough(board: Floor, id: str, now_ms: int) -> None:
    """Deadline: the longest wait is over. While a phone rings it may still be answered; then the refusal ends the wait."""
    contact = board.contacts.get(id)
    if contact and contact.state == ContactState.WAITING:
        board.order(contact.server, LeaveOrder(contact.id, "timed_out"))
        _leave(board, contact, "timed_out", "", now_ms)


def left(board: Floor, message: ContactLeft, now_ms: int) -> None:
    """The caller is gone from the queue: whoever was being rung is free."""
    contact = board.contacts.get(message.contact)
    if contact and message.server and message.server != contact.server:
        return  # the caller has been taken over: a server that woke up knows nothing of it
    if contact and contact.state != ContactState.CONNECTED:
        _leave(board, contact, message.outcome, message.key, now_ms)
    elif contact:
        ended(board, TalkEnded(contact.id, next(iter(contact.offers), ""), "caller", now_ms - contact.connected_at_ms), now_ms)


def _leave(board: Floor, contact: Contact, outcome: str, key: str, now_ms: int) -> None:
    contact.state = after(contact.state, ContactEvent.LEAVE)
    board.matching.remove_contact(contact.id)
    board.in_queue[contact.queue] -= 1
    waited_ms = now_ms - contact.enqueued_at_ms
    board.tell(LEFT_EVENTS.get(outcome, "contact_left"), now_ms, contact=contact, outcome=outcome, key=key, waited_ms=waited_ms)
    for offer in list(contact.offers):
        _take_offer_back(board, contact, offer, now_ms)
    _forget(board, contact)


def _forget(board: Floor, contact: Contact) -> None:
    board.contacts.pop(contact.id, None)
    board.touch_contact(contact.id)


def withdraw(board: Floor, contact: Contact, offer: str, now_ms: int) -> None:
    """Take an offer back because of its agent; the contact goes back to its place. The agent's record is the caller's business."""
    board.order(contact.server, WithdrawOrder(contact.id, offer))
    agent = board.agents[contact.offers.pop(offer)]
    board.tell("offer_withdrawn", now_ms, contact=contact, agent=agent, offer=offer)
    _wait_again(board, contact, now_ms)


def _take_offer_back(board: Floor, contact: Contact, offer: str, now_ms: int) -> None:
    """The contact does not need this agent any more."""
    agent = board.agents[contact.offers.pop(offer)]
    board.order(contact.server, WithdrawOrder(contact.id, offer))
    board.tell("offer_withdrawn", now_ms, contact=contact, agent=agent, offer=offer)
    agents.offer_ended(board, agent, offer, "withdrawn", now_ms)


def offer_ringing(board: Floor, message: OfferRinging, now_ms: int) -> None:
    contact = board.contacts.get(message.contact)
    if contact and message.offer in contact.offers and contact.state == ContactState.OFFERED:
        board.tell("offer_ringing", now_ms, contact=contact, agent=board.agents[contact.offers[message.offer]], offer=message.offer)


def offer_ended(board: Floor, message: OfferEnded, now_ms: int) -> None:
    """An offer came to nothing: remember it, let the contact wait again at its place, only then free the agent by the queue's policy."""
    contact = board.contacts.get(message.contact)
    if not contact or message.offer not in contact.offers or contact.state != ContactState.OFFERED:
        return
    agent = board.agents[contact.offers.pop(message.offer)]
    if message.outcome in REFUSALS:
        contact.refused_until_ms[agent.id] = now_ms + board.directory.queues[contact.queue].refusal_ms
        board.at(contact.refused_until_ms[agent.id], "seek", contact.id)
    board.tell(f"offer_{message.outcome}", now_ms, contact=contact, agent=agent, offer=message.offer, ring_ms=message.ring_ms)
    _wait_again(board, contact, now_ms)
    agents.offer_ended(board, agent, message.offer, message.outcome, now_ms)


def _wait_again(board: Floor, contact: Contact, now_ms: int) -> None:
    board.touch_contact(contact.id)
    if contact.offers:
        return
    contact.state = after(contact.state, ContactEvent.REFUSE)
    if contact.enqueued_at_ms + board.directory.queues[contact.queue].max_wait_ms <= now_ms:
        waited_long_enough(board, contact.id, now_ms)
    else:
        board.seek_agent(contact, now_ms)


def offer_answered(board: Floor, message: OfferAnswered, now_ms: int) -> None:
    """Agent and caller talk; other agents who were rung for the same contact are free."""
    contact = board.contacts.get(message.contact)
    if not contact or message.offer not in contact.offers or contact.state != ContactState.OFFERED:
        return
    for other in [offer for offer in contact.offers if offer != message.offer]:
        _take_offer_back(board, contact, other, now_ms)
    agent = board.agents[contact.offers[message.offer]]
    contact.state = after(contact.state, ContactEvent.ANSWER)
    contact.agent, contact.connected_at_ms = agent.id, now_ms
    board.in_queue[contact.queue] -= 1
    board.touch_contact(contact.id)
    agents.connected(board, agent, now_ms)
    waited_ms = now_ms - contact.enqueued_at_ms
    board.tell("contact_connected", now_ms, contact=contact, agent=agent, offer=message.offer, waited_ms=waited_ms)


def ended(board: Floor, message: TalkEnded, now_ms: int) -> None:
    """The conversation is over."""
    contact = board.contacts.get(message.contact)
    if not contact or message.offer not in contact.offers:
        return
    if contact.state == ContactState.OFFERED:
        offer_answered(board, OfferAnswered(contact.id, message.offer), now_ms)
    agent = board.agents[contact.agent]
    contact.state = after(contact.state, ContactEvent.END)
    waited_ms = contact.connected_at_ms - contact.enqueued_at_ms
    talk_ms = message.talk_ms or now_ms - contact.connected_at_ms
    times = {"waited_ms": waited_ms, "ring_ms": message.ring_ms, "talk_ms": talk_ms}
    board.tell("contact_ended", now_ms, contact=contact, agent=agent, ended_by=message.ended_by, **times)
    _forget(board, contact)
    agents.contact_ended(board, agent, now_ms)


def reservation_over(board: Floor, id: str, now_ms: int) -> None:
    """Deadline: an agent is still reserved long after the phone must have stopped ringing, so the news of it was lost."""
    agent: Agent = board.agents[id]
    contact = board.contacts.get(agent.contact)
    if agent.state != AgentState.RESERVED or agent.until_ms > now_ms:
        return
    if contact and agent.offer in contact.offers:
        board.order(contact.server, WithdrawOrder(contact.id, agent.offer))
        offer_ended(board, OfferEnded(contact.id, agent.offer, "failed"), now_ms)
    else:
        agents.move(board, agent, AgentEvent.RELEASE, now_ms)
        board.seek_contact(agent, now_ms)


HANDLERS: dict[type, Callable[[Floor, Any, int], None]] = {
    ContactArrived: arrived,
    ContactLeft: left,
    OfferRinging: offer_ringing,
    OfferAnswered: offer_answered,
    OfferEnded: offer_ended,
    TalkEnded: ended,
    TalkHeld: talk_held,
}
DEADLINES: dict[str, Callable[[Floor, str, int], None]] = {
    "seek": seek,
    "max_wait": waited_long_enough,
    "reservation": reservation_over,
}
