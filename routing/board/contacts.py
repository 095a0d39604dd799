"""The rules of contacts: joining, relaxing, being offered, refused, connected, leaving and ending."""

from collections.abc import Callable, Mapping
from typing import Any

from routing.board import admission, assignments, caller_history
from routing.board.state import BoardState
from routing.board.strategies import STRATEGIES
from routing.domain.agent import Agent
from routing.domain.assignment import Assignment, AssignmentEvent, AssignmentState
from routing.domain.contact_state import QUEUED, ContactEvent, ContactState, after
from routing.domain.events.contacts import ContactConnected, ContactEnded, without_agent
from routing.domain.events.offers import OVER, OfferRefused, OfferWithdrawn
from routing.domain.events.offers import OfferRinging as RingingEvent
from routing.domain.messages import ContactLeft, LeaveOutcome, OfferAnswered, OfferEnded, OfferRinging, TalkEnded
from routing.domain.model import FOREVER_MS, Contact
from routing.domain.orders import LeaveOrder, WithdrawOrder
from routing.domain.outcomes import EndedBy, EndReason

REFUSALS = {"declined", "busy", "rang_out", "unreachable", "failed"}
RING_AGAIN_MS = 2_000  # the least time from an offer that came to nothing to the next one of that contact to that agent, whatever is set


def known_by(contact: Contact) -> dict[str, Any]:
    """Everything that others must know to know a contact: the fields of `ContactKnown`."""
    facts = contact.facts
    return {
        "enqueued_at_ms": contact.enqueued_at_ms,
        "priority": contact.priority,
        "steps": tuple(contact.steps),
        "ani": facts.ani,
        "language": facts.language,
        "caller": facts.data,
        "server": contact.holder or "",
        "ageing": contact.ageing,
        "place_ms": contact.place_ms,
        "kind": facts.kind,
        "due_ms": contact.due_ms,
        "trunk": facts.trunk,
    }


def plan(board: BoardState, contact: Contact, from_ms: int = 0) -> None:
    """Ask for the deadlines that follow from the record. What is due already by rules that apply only from `from_ms` on is due then, all of
    it at once; a router that takes over does what was due meanwhile in its order."""
    if contact.state == ContactState.SCHEDULED:
        board.schedule(contact.due_ms, "due", contact.id)
        return
    policy, joined_ms = board.directory.queues[contact.queue], contact.waits_from_ms
    planned = [(joined_ms + policy.max_wait_ms, "max_wait")]
    planned += [
        (joined_ms + after_ms, "seek") for after_ms in (*(after_ms for after_ms, _ in contact.steps[1:]), *policy.tier_delays_ms[1:])
    ]
    planned += [(until_ms, "seek") for until_ms in contact.refused_until_ms.values() if until_ms < FOREVER_MS]
    planned += [(joined_ms + rule.waited_ms, "overflow") for rule in policy.overflow if rule.waited_ms]
    if contact.state == ContactState.OFFERED:
        planned.append((contact.offered_at_ms + policy.ring_more_ms, "ring_more"))
    for at_ms, kind in planned:
        board.schedule(max(at_ms, from_ms), kind, contact.id)


def seek(board: BoardState, id: str, now_ms: int) -> None:
    """Deadline: the requirement relaxes, a tier is asked, or a refusal is forgotten; all contacts of the same moment in their turn."""
    known = (board.contacts.get(each) for each in dict.fromkeys([id, *board.due_alike(now_ms, "seek")]))
    waiting = [contact for contact in known if contact and contact.state == ContactState.WAITING]
    for contact in waiting:
        board.drop_preference(contact, now_ms)
    board.seek_agents(waiting, now_ms)


def ring_more(board: BoardState, id: str, now_ms: int) -> None:
    """Deadline: nobody has answered for a while; further phones ring, too."""
    contact = board.contacts.get(id)
    if not contact or contact.state != ContactState.OFFERED:
        return
    policy = board.directory.queues[contact.queue]
    waited_ms = contact.waited_ms(now_ms)
    if waited_ms >= policy.max_wait_ms or admission.due_rule(board, contact, now_ms):
        return  # the phones that ring are the last ones
    if STRATEGIES[policy.strategy].rings_more and contact.offered_at_ms + policy.ring_more_ms <= now_ms:
        board.seek_more(contact, now_ms)


def waited_long_enough(board: BoardState, id: str, now_ms: int) -> None:
    """Deadline: the longest wait is over. While a phone rings it may still be answered; then the refusal ends the wait."""
    contact = board.contacts.get(id)
    if contact and contact.state == ContactState.WAITING and _is_overdue(board, contact, now_ms):
        send_away(board, contact, "timed_out", now_ms)


def _is_overdue(board: BoardState, contact: Contact, now_ms: int) -> bool:
    return contact.waits_from_ms + board.directory.queues[contact.queue].max_wait_ms <= now_ms


def send_away(board: BoardState, contact: Contact, outcome: LeaveOutcome, now_ms: int) -> None:
    """The wait is over without an agent, by our decision."""
    board.order(contact.holder, LeaveOrder(contact.id, outcome))
    _leave(board, contact, outcome, "", now_ms)
    board.remember_end(contact.id, now_ms, outcome)


def left(board: BoardState, message: ContactLeft, now_ms: int) -> None:
    """The caller is gone from the queue: whoever was being rung is free."""
    contact = board.contacts.get(message.contact)
    if contact and message.server and contact.holder and message.server != contact.holder:
        return  # the caller has been taken over: a server that woke up knows nothing of it
    if contact and contact.state != ContactState.CONNECTED:
        _leave(board, contact, message.outcome, message.key, now_ms, message.reason)
    elif contact:
        ended_by: EndedBy = "system" if message.reason else "caller"
        talk_ms = now_ms - contact.connected_at_ms
        ended(board, TalkEnded(contact.id, next(iter(contact.offers), ""), ended_by, talk_ms, reason=message.reason), now_ms)


def _leave(board: BoardState, contact: Contact, outcome: LeaveOutcome, key: str, now_ms: int, reason: EndReason = "") -> None:
    if contact.state in QUEUED:
        board.in_queue[contact.queue] -= 1
    contact.state = after(contact.state, ContactEvent.LEAVE)
    if outcome == "abandoned":
        caller_history.cut_off(board, contact, now_ms)
    board.matching.remove_contact(contact.id)
    waited_ms = max(0, contact.waited_ms(now_ms))
    board.write(without_agent(outcome, waited_ms, key, reason), now_ms, contact=contact)
    for offer in list(contact.offers):
        take_offer_back(board, contact, offer, now_ms)
    _forget(board, contact, now_ms)


def _forget(board: BoardState, contact: Contact, now_ms: int) -> None:
    board.contacts.pop(contact.id, None)
    board.touch_contact(contact.id)
    board.remember_end(contact.id, now_ms)


def withdraw(board: BoardState, contact: Contact, offer: str, server: str, now_ms: int) -> None:
    """Take an offer back because of its agent; the contact goes back to its place. The agent's record is the caller's business."""
    board.order(server, WithdrawOrder(contact.id, offer, contact.kind))
    agent = board.agents[contact.offers.pop(offer)]
    board.write(OfferWithdrawn(offer), now_ms, contact=contact, agent=agent)
    _wait_again(board, contact, now_ms)


def withdraw_void(board: BoardState, void: Mapping[str, Assignment], now_ms: int) -> None:
    """Of what an agent has no hand for any more, take the offers back."""
    for offer, assignment in void.items():
        contact = board.contacts.get(assignment.contact)
        if contact and offer in contact.offers and contact.state == ContactState.OFFERED:
            withdraw(board, contact, offer, board.server_of(contact, assignment), now_ms)


def take_offer_back(board: BoardState, contact: Contact, offer: str, now_ms: int) -> None:
    """The contact does not need this agent any more."""
    assignments.offer_ended(board, call_off(board, contact, offer, now_ms), offer, "withdrawn", now_ms)


def call_off(board: BoardState, contact: Contact, offer: str, now_ms: int) -> Agent:
    """Let a phone stop ringing for the contact; its agent is free when the caller says so."""
    agent = board.agents[contact.offers.pop(offer)]
    board.order(_server_of(board, contact, agent, offer), WithdrawOrder(contact.id, offer, contact.kind))
    board.write(OfferWithdrawn(offer), now_ms, contact=contact, agent=agent)
    return agent


def _server_of(board: BoardState, contact: Contact, agent: Agent, offer: str) -> str | None:
    assignment = agent.assignments.get(offer)
    return board.server_of(contact, assignment) if assignment else contact.holder


def offer_ringing(board: BoardState, message: OfferRinging, now_ms: int) -> None:
    contact = board.contacts.get(message.contact)
    if contact and message.offer in contact.offers and contact.state == ContactState.OFFERED:
        board.write(RingingEvent(message.offer), now_ms, contact=contact, agent=board.agents[contact.offers[message.offer]])


def offer_ended(board: BoardState, message: OfferEnded, now_ms: int) -> None:
    """An offer came to nothing: remember it, let the contact wait again at its place, only then free the agent by the queue's policy."""
    contact = board.contacts.get(message.contact)
    if not contact or message.offer not in contact.offers or contact.state != ContactState.OFFERED:
        return
    agent = board.agents[contact.offers.pop(message.offer)]
    if message.outcome in REFUSALS and not contact.is_excluded(agent.id):
        contact.refused_until_ms[agent.id] = now_ms + max(RING_AGAIN_MS, board.directory.queues[contact.queue].refusal_ms)
        board.schedule(contact.refused_until_ms[agent.id], "seek", contact.id)
    board.write(_over(message), now_ms, contact=contact, agent=agent)
    _wait_again(board, contact, now_ms)
    assignments.offer_ended(board, agent, message.offer, message.outcome, now_ms)


def _over(message: OfferEnded) -> OfferRefused | OfferWithdrawn:
    told = OVER[message.outcome]
    if issubclass(told, OfferRefused):
        return told(message.offer, message.ring_ms, message.refusal or None, message.redirected_to or None)
    return told(message.offer, message.ring_ms)


def stop_ringing(contact: Contact) -> None:
    """With its last offer taken back a contact waits again; who is to be asked next is the caller's business."""
    if contact.state == ContactState.OFFERED and not contact.offers:
        contact.state = after(contact.state, ContactEvent.REFUSE)


def _wait_again(board: BoardState, contact: Contact, now_ms: int) -> None:
    board.touch_contact(contact.id)
    if contact.offers:
        return
    contact.state = after(contact.state, ContactEvent.REFUSE)
    if _is_overdue(board, contact, now_ms):
        waited_long_enough(board, contact.id, now_ms)
    elif admission.due_rule(board, contact, now_ms):
        board.schedule(now_ms, "rang_in_vain", contact.id)  # what was due while it rang comes before another ring
    else:
        board.schedule(now_ms, "overflow", contact.id)
        board.watch(contact.queue, now_ms)
        board.drop_preference(contact, now_ms)
        board.seek_agent(contact, now_ms)


def offer_answered(board: BoardState, message: OfferAnswered, now_ms: int) -> None:
    """Agent and customer talk; other agents who were rung for the same contact are free."""
    contact = board.contacts.get(message.contact)
    is_taken = contact and message.offer in contact.offers and contact.state in (ContactState.OFFERED, ContactState.DIALLING)
    if not contact or not is_taken:
        return
    agent = take(board, contact, message.offer, ContactEvent.ANSWER, now_ms)
    contact.connected_at_ms = now_ms
    assignments.connected(board, agent, message.offer, now_ms)
    caller_history.talked(board, contact, agent, now_ms)
    board.write(ContactConnected(message.offer, contact.waited_ms(now_ms)), now_ms, contact=contact, agent=agent)


def take(board: BoardState, contact: Contact, offer: str, event: ContactEvent, now_ms: int) -> Agent:
    """The contact is in the hands of the agent of that offer; its other offers are taken back."""
    for other in [each for each in contact.offers if each != offer]:
        take_offer_back(board, contact, other, now_ms)
    if contact.state in QUEUED:
        board.in_queue[contact.queue] -= 1
    contact.state, contact.agent = after(contact.state, event), contact.offers[offer]
    board.touch_contact(contact.id)
    return board.agents[contact.agent]


def ended(board: BoardState, message: TalkEnded, now_ms: int) -> None:
    """The conversation is over."""
    contact = board.contacts.get(message.contact)
    if not contact or message.offer not in contact.offers:
        return
    if contact.state != ContactState.CONNECTED:
        offer_answered(board, OfferAnswered(contact.id, message.offer), now_ms)
    agent = board.agents[contact.agent]
    contact.state = after(contact.state, ContactEvent.END)
    waited_ms = contact.waited_ms(contact.connected_at_ms)
    talk_ms = message.talk_ms or now_ms - contact.connected_at_ms
    agent.talked_ms += talk_ms
    over = ContactEnded(message.ended_by, waited_ms, message.ring_ms, talk_ms, message.reason or None)
    board.write(over, now_ms, contact=contact, agent=agent)
    if agent.last_contact != contact.id:  # else its disposition was given during the talk
        given = agent.assignments[message.offer].disposition if message.offer in agent.assignments else ""
        agent.last_call, agent.last_contact, agent.last_queue, agent.disposition = contact.facts.call, contact.id, contact.queue, given
    _forget(board, contact, now_ms)
    assignments.contact_ended(board, agent, message.offer, now_ms)


def reservation_over(board: BoardState, id: str, now_ms: int) -> None:
    """Deadline: an agent is still reserved long after the phone must have stopped ringing, so the news of it was lost."""
    agent: Agent = board.agents[id]
    for offer, assignment in list(agent.assignments.items()):
        if assignment.state == AssignmentState.OFFERED and assignment.until_ms <= now_ms:
            contact = board.contacts.get(assignment.contact)
            if contact and offer in contact.offers:
                board.order(board.server_of(contact, assignment), WithdrawOrder(contact.id, offer, contact.kind))
                offer_ended(board, OfferEnded(contact.id, offer, "failed"), now_ms)
            else:
                assignments.step(board, agent, offer, AssignmentEvent.RELEASE, now_ms)
                board.seek_contact(agent, now_ms)


HANDLERS: dict[type, Callable[[BoardState, Any, int], None]] = {
    ContactLeft: left,
    OfferRinging: offer_ringing,
    OfferAnswered: offer_answered,
    OfferEnded: offer_ended,
    TalkEnded: ended,
}
DEADLINES: dict[str, Callable[[BoardState, str, int], None]] = {
    "seek": seek,
    "ring_more": ring_more,
    "max_wait": waited_long_enough,
    "reservation": reservation_over,
    "wrap_up": assignments.wrap_up_over,
}
