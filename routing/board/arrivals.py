"""The rules of arriving: a caller joins a queue, is reported again, or comes back from another server.

What then becomes of the contact is in contacts.py.
"""

from collections.abc import Callable
from typing import Any

from routing.board import admission, caller_history, contacts, overflow, servers
from routing.board.state import BoardState
from routing.domain.contact_state import ContactState
from routing.domain.events.contacts import (
    ContactOverflowed,
    ContactQueued,
    ContactRequeued,
    ContactScheduled,
    ContactTakenOver,
    without_agent,
)
from routing.domain.kinds import KINDS, holder_of
from routing.domain.messages import ContactArrived, LeaveOutcome, OfferEnded, TalkEnded
from routing.domain.model import FOREVER_MS, Contact
from routing.domain.orders import LeaveOrder, MoveOrder, WithdrawOrder
from routing.domain.requirement import one_of, readable

CLOCKS_DIFFER_MS = 5_000  # a caller who joined later than that from now has come from a server whose clock is wrong
MOST_PREFERRED = 10  # agents who are waited for by name; the others that a flow names are not


def arrived(board: BoardState, message: ContactArrived, now_ms: int) -> None:
    """Join a queue, or be refused with the reason."""
    servers.heard(board, message.server, now_ms)
    known = board.contacts.get(message.contact)
    if known:
        _arrived_again(board, known, message, now_ms)
        return
    way_out = board.sent_away(message.contact, now_ms)
    if way_out:
        board.order(message.server, LeaveOrder(message.contact, way_out))
    if way_out or (board.ended_lately(message.contact, now_ms) and not message.back):
        return  # the same message a second time, or an old one
    if message.facts.kind not in KINDS:
        return  # of a newer server; its kind of contact cannot be routed here
    contact = Contact(
        message.contact,
        holder_of(message.facts.kind, message.server),
        board.moves.get(message.queue, message.queue),
        list(message.wishes.steps),
        message.enqueued_at_ms if message.enqueued_at_ms <= now_ms + CLOCKS_DIFFER_MS else now_ms,
        message.facts,
        refused_until_ms=dict.fromkeys(message.wishes.exclude, FOREVER_MS),
        due_ms=message.wishes.due_ms,
    )
    refusal = _refusal(board, contact, message, now_ms)
    if refusal:
        board.order(message.server, LeaveOrder(contact.id, refusal))
        board.remember_end(contact.id, now_ms, refusal)
        board.write(without_agent(refusal, 0), now_ms, contact=contact)
    else:
        _join(board, contact, message, now_ms)


def _join(board: BoardState, contact: Contact, message: ContactArrived, now_ms: int) -> None:
    policy = board.directory.queues[contact.queue]
    contact.priority, contact.ageing = message.wishes.priority + policy.priority, board.directory.ageing_in(contact.queue)
    earlier_ms = 0 if message.again or message.back else caller_history.place_of(board, contact, now_ms)
    contact.place_ms = max(message.wishes.place_ms, earlier_ms)
    contact.steps = _with_preferred(board, contact, message, now_ms)
    board.contacts[contact.id] = contact
    board.touch_contact(contact.id)
    if contact.due_ms > now_ms:
        contact.state = ContactState.SCHEDULED
        contacts.plan(board, contact)
        board.write(ContactScheduled(**contacts.known_by(contact)), now_ms, contact=contact)
        return
    board.in_queue[contact.queue] += 1
    contacts.plan(board, contact)
    board.watch(contact.queue, max(now_ms, contact.waits_from_ms + policy.stay_grace_ms))
    if contact.queue != message.queue:
        board.order(contact.holder, MoveOrder(contact.id, contact.queue))
    known_before = message.again or message.back  # Redis lost it: whoever counts has counted this contact already
    event = ContactRequeued if known_before else ContactQueued
    board.write(event(**contacts.known_by(contact)), now_ms, contact=contact)
    _void_unknown_ring(board, contact, message)
    board.drop_preference(contact, now_ms)
    board.seek_agent(contact, now_ms)


def _with_preferred(board: BoardState, contact: Contact, message: ContactArrived, now_ms: int) -> list[tuple[int, str]]:
    """The requirement's steps, behind one for the preferred agents alone: those named, and who talked to the caller last."""
    preferred = dict.fromkeys([*message.wishes.preferred, caller_history.last_agent(board, contact, now_ms)])
    there = [name for name in preferred if board.is_to_come(contact, name)][:MOST_PREFERRED]
    if not there:
        return contact.steps
    contact.put_off = contact.steps
    for_ms = message.wishes.preferred_ms or board.directory.queues[contact.queue].preferred_ms
    later = [(max(after_ms, for_ms), text) for after_ms, text in contact.steps]
    return [(0, one_of(there)), *later]


def _arrived_again(board: BoardState, contact: Contact, message: ContactArrived, now_ms: int) -> None:
    """A caller who is known: reported again, or back from being at no server."""
    before = contact.holder
    if before is None:
        return
    if not message.back and before != message.server and before in board.servers:
        return  # the word of a server that was away meanwhile: who has a caller of another one says so by `back`
    contact.holder = message.server
    board.touch_contact(contact.id)
    if contact.queue != message.queue:  # moved since it joined, which a server that has just got it does not know
        board.order(contact.holder, MoveOrder(contact.id, contact.queue))
    if before != contact.holder:
        board.write(ContactTakenOver(contact.holder, before), now_ms, contact=contact)
    if message.back:
        _back(board, contact, message, now_ms)
    else:
        _void_unknown_ring(board, contact, message)


def _back(board: BoardState, contact: Contact, message: ContactArrived, now_ms: int) -> None:
    """No phone rings for this caller, and no agent is connected: the wait goes on, at the old place."""
    if contact.state == ContactState.CONNECTED:
        offer = next(iter(contact.offers), "")
        contacts.ended(board, TalkEnded(contact.id, offer, "agent", now_ms - contact.connected_at_ms), now_ms)
        board.order(message.server, LeaveOrder(message.contact, "failed"))
        return
    for offer in list(contact.offers):
        outcome = message.last_outcome if offer == message.last_offer else "withdrawn"
        contacts.offer_ended(board, OfferEnded(contact.id, offer, outcome), now_ms)
    if contact.id in board.contacts and contact.state == ContactState.WAITING:
        board.seek_agent(contact, now_ms)


def _void_unknown_ring(board: BoardState, contact: Contact, message: ContactArrived) -> None:
    """A phone rings for an offer that went with Redis's data: it is taken back, and the contact is offered anew."""
    if message.ringing and message.ringing not in contact.offers:
        board.order(message.server, WithdrawOrder(contact.id, message.ringing))


def _refusal(board: BoardState, contact: Contact, message: ContactArrived, now_ms: int) -> LeaveOutcome | None:
    """Why the contact cannot join. A rule of overflow may change its queue first."""
    if contact.queue not in board.directory.queues or not contact.steps or not all(readable(text) for _, text in contact.steps):
        return "failed"
    if message.again or message.back or contact.due_ms > now_ms:
        return None
    if not board.directory.is_open(contact.queue, now_ms):
        return "closed"
    rule = overflow.at_arrival(board, contact, message, now_ms)
    if rule and not rule.to:
        return "overflowed"
    if rule:
        contact.overflowed.append(contact.queue)
        contact.queue = rule.to
        board.write(ContactOverflowed(message.queue), now_ms, contact=contact)
    return admission.refusal(board, contact, contact.queue, now_ms)


HANDLERS: dict[type, Callable[[BoardState, Any, int], None]] = {ContactArrived: arrived}
