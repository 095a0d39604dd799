"""Contacts that go elsewhere: a queue's overflow rules, a queue that nobody serves any more, and moving a contact to another queue."""

from collections.abc import Callable

from routing import contacts
from routing.contact_state import ContactState
from routing.floor import Floor
from routing.messages import ContactArrived, MoveOrder
from routing.model import Contact, Overflow, Presence
from routing.presence import is_there


def at_arrival(board: Floor, contact: Contact, message: ContactArrived) -> Overflow | None:
    """The rule that sends a contact elsewhere before it joins."""
    for rule in board.directory.queues[contact.queue].overflow:
        long = 0 < rule.waiting <= board.in_queue[contact.queue]
        slow = 0 < rule.expected_wait_ms < message.expected_wait_ms
        poor = message.service_level < rule.service_level
        if (long or slow or poor) and rule.to not in (contact.queue, *contact.overflowed):
            return rule
    return None


def waited(board: Floor, id: str, now_ms: int) -> None:
    """Deadline: a rule's time has come. While a phone rings it may still be answered; then the refusal brings it here again."""
    contact = board.contacts.get(id)
    if not contact or contact.state != ContactState.WAITING:
        return
    rule = board.directory.queues[contact.queue].rule_after(now_ms - contact.enqueued_at_ms, contact.overflowed)
    if rule and rule.to:
        move(board, contact, rule.to, "overflow", now_ms)
    elif rule:
        contacts.send_away(board, contact, "overflowed", now_ms)


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
    board.seek_agent(contact, now_ms)


def emptied(board: Floor, queue: str, now_ms: int) -> None:
    """Deadline: agents have left a queue, or somebody joined it empty, a while ago: who waits for nobody is told so."""
    rule = board.directory.queues[queue].stay_when
    hopeful: dict[tuple[str, ...], bool] = {}
    for id in board.matching.waiting(queue):
        contact = board.contacts[id]
        wants = (*(text for _, text in contact.steps), *(agent for agent in contact.refused_until_ms if contact.is_excluded(agent)))
        if wants not in hopeful:
            hopeful[wants] = somebody(board, contact, rule)
        if not hopeful[wants]:
            contacts.send_away(board, contact, "no_agents", now_ms)


def somebody(board: Floor, contact: Contact, rule: Presence) -> bool:
    """Whether anybody is there for the contact in the sense of the rule."""
    members = board.matching.members(contact.queue)
    return rule == "always" or any(is_there(rule, board.agents[member.id], member, contact) for member in members)


DEADLINES: dict[str, Callable[[Floor, str, int], None]] = {"overflow": waited, "empty": emptied}
