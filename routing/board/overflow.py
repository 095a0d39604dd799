"""Contacts that overflow: a queue's overflow rules, a queue that nobody serves any more, and moving a contact to another queue."""

from collections.abc import Callable

from routing.board import admission, contacts
from routing.board.staffing import gone_since
from routing.board.state import BoardState
from routing.domain.contact_state import ContactState
from routing.domain.events.contacts import ContactMoved, MoveReason
from routing.domain.messages import ContactArrived
from routing.domain.model import FOREVER_MS, Contact, Overflow, StaffingRule
from routing.domain.orders import MoveOrder

AGAIN_MS = 15_000  # after which a queue that could not take a waiting contact is looked at again


def at_arrival(board: BoardState, contact: Contact, message: ContactArrived, now_ms: int) -> Overflow | None:
    """The overflow rule that applies to a contact before it joins."""
    for rule in board.directory.queues[contact.queue].overflow:
        long = 0 < rule.waiting <= board.in_queue[contact.queue]
        slow = 0 < rule.expected_wait_ms < message.expected_wait_ms
        poor = message.service_level < rule.service_level
        is_new = rule.to not in (contact.queue, *contact.overflowed)
        if (long or slow or poor) and is_new and admission.leads_on(board, contact, rule, now_ms):
            return rule
    return None


def waited(board: BoardState, id: str, now_ms: int) -> None:
    """Deadline: a rule's time has come. While a phone rings it may still be answered; then the refusal brings it here again."""
    contact = board.contacts.get(id)
    if not contact or contact.state != ContactState.WAITING:
        board.stuck.pop(id, None)
        return
    rule = admission.due_rule(board, contact, now_ms)
    if rule and rule.to:
        move(board, contact, rule.to, "overflow", now_ms)
    elif rule:
        contacts.send_away(board, contact, "overflowed", now_ms)
    else:
        _look_again(board, contact, now_ms)
        if not board.matching.stands(contact.id):  # it came here from a ring, to be moved before anybody else is rung
            board.seek_agent(contact, now_ms)


def _look_again(board: BoardState, contact: Contact, now_ms: int) -> None:
    """Where a rule leads nowhere now it may lead on later; asked once at a time, however often a phone rings meanwhile."""
    rules = board.directory.queues[contact.queue].rules_after(contact.waited_ms(now_ms), contact.overflowed)
    if rules and board.stuck.get(contact.id, 0) <= now_ms:
        board.stuck[contact.id] = now_ms + AGAIN_MS
        board.schedule(now_ms + AGAIN_MS, "overflow", contact.id)


def move(board: BoardState, contact: Contact, queue: str, reason: MoveReason, now_ms: int) -> None:
    """Let a waiting contact wait in another queue, at the place that its wait gives it there."""
    board.matching.remove_contact(contact.id)
    board.in_queue[contact.queue] -= 1
    board.in_queue[queue] += 1
    contact.overflowed.append(contact.queue)
    change_queue(board, contact, queue, reason, now_ms)
    board.drop_preference(contact, now_ms)
    contacts.plan(board, contact, now_ms)
    board.watch(queue, now_ms)
    board.seek_agent(contact, now_ms)


def change_queue(board: BoardState, contact: Contact, queue: str, reason: MoveReason, now_ms: int) -> None:
    """Move the contact to another queue; its server gets an order, everybody else the event."""
    before, there = contact.queue, board.directory.queues[queue]
    contact.priority += there.priority - board.directory.queues[before].priority
    contact.queue, contact.ageing = queue, board.directory.ageing_in(queue)
    board.touch_contact(contact.id)
    board.order(contact.holder, MoveOrder(contact.id, queue))
    board.write(ContactMoved(before, reason, contact.priority, contact.ageing), now_ms, contact=contact)


def emptied(board: BoardState, queue: str, now_ms: int) -> None:
    """Deadline: end the wait of contacts for whom nobody has been available since `stay_grace`."""
    if board.watched.get(queue, FOREVER_MS) <= now_ms:
        del board.watched[queue]
    policy, gone_ms = board.directory.queues[queue], dict[tuple[str, ...], int]()
    for id in board.matching.waiting(queue):
        contact = board.contacts[id]
        excluded = (agent for agent in contact.refused_until_ms if contact.is_excluded(agent))
        wants = (contact.kind, *(text for _, text in contact.flow_steps), *excluded)
        if wants not in gone_ms:
            there = admission.somebody(board, contact, queue, policy.stay_when)
            gone_ms[wants] = FOREVER_MS if there else _left_ms(board, contact, policy.stay_when)
        due_ms = max(gone_ms[wants], contact.waits_from_ms, contact.alone_ms) + policy.stay_grace_ms
        if due_ms <= now_ms:
            contacts.send_away(board, contact, "no_agents", now_ms)
        elif due_ms < FOREVER_MS:
            board.watch(queue, due_ms)


def _left_ms(board: BoardState, contact: Contact, rule: StaffingRule) -> int:
    """When the last one who had been there for the contact went."""
    members = board.matching.members(contact.queue)
    return max((gone_since(rule, board.agents[member.id], member, contact) for member in members), default=0)


DEADLINES: dict[str, Callable[[BoardState, str, int], None]] = {"rang_in_vain": waited, "overflow": waited, "empty": emptied}
