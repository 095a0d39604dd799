"""Contacts that go elsewhere: a queue's overflow rules, a queue that nobody serves any more, and moving a contact to another queue."""

from collections.abc import Callable

from routing import contacts
from routing.contact_state import ContactState
from routing.floor import Floor
from routing.messages import ContactArrived, LeaveOutcome, MoveOrder
from routing.model import FOREVER_MS, Contact, Overflow, Presence
from routing.presence import gone_since, is_there

AGAIN_MS = 15_000  # after which a queue that could not take a waiting contact is looked at again


def at_arrival(board: Floor, contact: Contact, message: ContactArrived, now_ms: int) -> Overflow | None:
    """The rule that sends a contact elsewhere before it joins."""
    for rule in board.directory.queues[contact.queue].overflow:
        long = 0 < rule.waiting <= board.in_queue[contact.queue]
        slow = 0 < rule.expected_wait_ms < message.expected_wait_ms
        poor = message.service_level < rule.service_level
        if (long or slow or poor) and rule.to not in (contact.queue, *contact.overflowed) and _leads_on(board, contact, rule, now_ms):
            return rule
    return None


def waited(board: Floor, id: str, now_ms: int) -> None:
    """Deadline: a rule's time has come. While a phone rings it may still be answered; then the refusal brings it here again."""
    contact = board.contacts.get(id)
    if not contact or contact.state != ContactState.WAITING:
        return
    rules = board.directory.queues[contact.queue].rules_after(now_ms - contact.enqueued_at_ms, contact.overflowed)
    rule = next((rule for rule in rules if _leads_on(board, contact, rule, now_ms)), None)
    if rule and rule.to:
        move(board, contact, rule.to, "overflow", now_ms)
    elif rule:
        contacts.send_away(board, contact, "overflowed", now_ms)
    elif rules:
        board.at(now_ms + AGAIN_MS, "overflow", id)


def _leads_on(board: Floor, contact: Contact, rule: Overflow, now_ms: int) -> bool:
    """Whether a rule leads to the flow, or to a queue that would take the contact."""
    return not rule.to or refusal(board, contact, rule.to, now_ms) is None


def refusal(board: Floor, contact: Contact, queue: str, now_ms: int) -> LeaveOutcome | None:
    """Why a queue does not take a contact now."""
    policy = board.directory.queues[queue]
    if not board.directory.is_open(queue, now_ms):
        return "closed"
    if board.in_queue[queue] >= policy.max_waiting:
        return "full"
    return None if somebody(board, contact, queue, policy.join_when) else "no_agents"


def move(board: Floor, contact: Contact, queue: str, reason: str, now_ms: int) -> None:
    """Let a waiting contact wait in another queue, at the place that its wait gives it there."""
    board.matching.remove_contact(contact.id)
    before, there = contact.queue, board.directory.queues[queue]
    board.in_queue[before] -= 1
    board.in_queue[queue] += 1
    if reason == "overflow":
        contact.overflowed.append(before)
    contact.priority += there.priority - board.directory.queues[before].priority
    contact.queue, contact.ageing = queue, board.directory.ageing_in(queue)
    board.touch_contact(contact.id)
    board.order(contact.server, MoveOrder(contact.id, queue))
    place = {"priority": contact.priority, "ageing": contact.ageing}
    board.tell("contact_moved", now_ms, contact=contact, before=before, reason=reason, **place)  # type: ignore[arg-type]
    contacts.plan(board, contact)
    board.watch(queue, now_ms)
    board.seek_agent(contact, now_ms)


def emptied(board: Floor, queue: str, now_ms: int) -> None:
    """Deadline: agents have left a queue, or somebody joined it, a while ago: who has waited for nobody all the while is told so."""
    if board.watched.get(queue, FOREVER_MS) <= now_ms:
        del board.watched[queue]
    policy, gone_ms = board.directory.queues[queue], dict[tuple[str, ...], int]()
    for id in board.matching.waiting(queue):
        contact = board.contacts[id]
        wants = (*(text for _, text in contact.steps), *(agent for agent in contact.refused_until_ms if contact.is_excluded(agent)))
        if wants not in gone_ms:
            gone_ms[wants] = FOREVER_MS if somebody(board, contact, queue, policy.stay_when) else _left_ms(board, contact, policy.stay_when)
        due_ms = max(gone_ms[wants], contact.enqueued_at_ms) + policy.stay_grace_ms
        if due_ms <= now_ms:
            contacts.send_away(board, contact, "no_agents", now_ms)
        elif due_ms < FOREVER_MS:
            board.watch(queue, due_ms)


def somebody(board: Floor, contact: Contact, queue: str, rule: Presence) -> bool:
    """Whether anybody of a queue is there for the contact in the sense of the rule."""
    members = board.matching.members(queue)
    return rule == "always" or any(is_there(rule, board.agents[member.id], member, contact, queue) for member in members)


def _left_ms(board: Floor, contact: Contact, rule: Presence) -> int:
    """When the last one who had been there for the contact went."""
    members = board.matching.members(contact.queue)
    return max((gone_since(rule, board.agents[member.id], member, contact) for member in members), default=0)


DEADLINES: dict[str, Callable[[Floor, str, int], None]] = {"overflow": waited, "empty": emptied}
