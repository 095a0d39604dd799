"""The rules of contacts that are due later, and of those whose customer is called when an agent has taken them.

A contact is scheduled until it is due. An agent who takes one of a kind that calls out waits while the customer is called; a customer who
is not reached is called again later, at the place that the contact had.
"""

from collections.abc import Callable
from typing import Any

from routing.board import assignments, contacts
from routing.board.state import BoardState
from routing.domain.agent import Agent
from routing.domain.assignment import AssignmentEvent
from routing.domain.contact_state import ContactEvent, ContactState, after
from routing.domain.events.contacts import ContactAccepted, ContactNotReached, ContactQueued, ContactRequeued
from routing.domain.messages import CustomerNotReached, OfferAccepted, OfferEnded, TalkEnded
from routing.domain.model import Contact
from routing.domain.orders import WithdrawOrder

DIAL_MS = 90_000  # how long the customer may be called until the news of it is taken for lost
AGAIN_MS = 60_000  # a customer is called again that much later at the earliest


def due(board: BoardState, id: str, now_ms: int) -> None:
    """Deadline: a contact is due now. It waits at the place that it had."""
    contact = board.contacts.get(id)
    if not contact or contact.state != ContactState.SCHEDULED or contact.due_ms > now_ms:
        return
    contact.state = after(contact.state, ContactEvent.FALL_DUE)
    board.in_queue[contact.queue] += 1
    board.touch_contact(id)
    board.write((ContactRequeued if contact.attempts else ContactQueued)(**contacts.known_by(contact)), now_ms, contact=contact)
    contacts.plan(board, contact)
    board.watch(contact.queue, now_ms + board.directory.queues[contact.queue].stay_grace_ms)
    board.drop_preference(contact, now_ms)
    board.seek_agent(contact, now_ms)


def accepted(board: BoardState, message: OfferAccepted, now_ms: int) -> None:
    """An agent has taken the contact; whoever carries the offer out calls the customer."""
    contact = board.contacts.get(message.contact)
    if not contact or message.offer not in contact.offers or contact.state != ContactState.OFFERED:
        return
    agent = contacts.take(board, contact, message.offer, ContactEvent.ACCEPT, now_ms)
    agent.refused.clear()
    assignments.step(board, agent, message.offer, AssignmentEvent.ACCEPT, now_ms, until_ms=now_ms + DIAL_MS)
    board.schedule(now_ms + DIAL_MS, "dialling", contact.id)
    board.write(ContactAccepted(message.offer, contact.waited_ms(now_ms)), now_ms, contact=contact, agent=agent)


def not_reached(board: BoardState, message: CustomerNotReached, now_ms: int) -> None:
    """The agent is free, and the contact is due again later."""
    contact = board.contacts.get(message.contact)
    if not contact or message.offer not in contact.offers or contact.state != ContactState.DIALLING:
        return
    agent = board.agents[contact.offers.pop(message.offer)]
    contact.state, contact.agent = after(contact.state, ContactEvent.NOT_REACHED), ""
    contact.due_ms, contact.attempts = max(message.again_at_ms, now_ms + AGAIN_MS), contact.attempts + 1
    board.touch_contact(contact.id)
    board.schedule(contact.due_ms, "due", contact.id)
    board.write(ContactNotReached(message.offer, message.outcome, contact.due_ms), now_ms, contact=contact, agent=agent)
    assignments.offer_ended(board, agent, message.offer, "withdrawn", now_ms)


def dialling_over(board: BoardState, id: str, now_ms: int) -> None:
    """Deadline: a customer has been called for so long that the news of it must have been lost."""
    contact = board.contacts.get(id)
    agent = board.agents.get(contact.agent) if contact and contact.state == ContactState.DIALLING else None
    if contact and agent:
        offer = next(iter(contact.offers))
        assignment = agent.assignments.get(offer)
        if not assignment or assignment.until_ms <= now_ms:
            board.order(assignment.server if assignment else None, WithdrawOrder(contact.id, offer, contact.kind))
            give_up(board, contact, agent, offer, now_ms)


def give_up(board: BoardState, contact: Contact, agent: Agent, offer: str, now_ms: int) -> None:
    """Nobody will report how an offer goes on that a server carried out: the contact waits again, or a talk is over."""
    if contact.state == ContactState.DIALLING:
        not_reached(board, CustomerNotReached(contact.id, offer, "failed"), now_ms)
    elif contact.state == ContactState.CONNECTED:
        contacts.ended(board, TalkEnded(contact.id, offer, "system", now_ms - contact.connected_at_ms), now_ms)
    else:
        contacts.offer_ended(board, OfferEnded(contact.id, offer, "withdrawn"), now_ms)  # through no fault of the agent


HANDLERS: dict[type, Callable[[BoardState, Any, int], None]] = {OfferAccepted: accepted, CustomerNotReached: not_reached}
DEADLINES: dict[str, Callable[[BoardState, str, int], None]] = {"due": due, "dialling": dialling_over}
