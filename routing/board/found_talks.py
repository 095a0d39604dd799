"""Talks that are found: a server tells of a conversation that the board does not know of, or knows of as an offer.

What Asterisk connects goes on, whatever the board believed; of two talks of one agent the younger one is real.
"""

from collections.abc import Callable
from typing import Any

from routing.board import agents, contacts
from routing.board.arrivals import known_of
from routing.board.state import BoardState
from routing.domain.contact_state import ContactState
from routing.domain.events.contacts import ContactConnected, ContactRestored
from routing.domain.messages import OfferAnswered, TalkEnded, TalkHeld
from routing.domain.model import Agent, Contact


def held(board: BoardState, message: TalkHeld, now_ms: int) -> None:
    """They talk."""
    contact, agent = board.contacts.get(message.contact), board.agents.get(message.agent)
    if contact:
        contact.server = message.server
        board.touch_contact(contact.id)
    if agent is None or (contact and contact.state == ContactState.CONNECTED):
        return
    if contact and message.offer in contact.offers:
        contacts.offer_answered(board, OfferAnswered(contact.id, message.offer), now_ms)
        return
    forgotten = not contact and (message.queue not in board.directory.queues or board.ended_lately(message.contact, now_ms))
    if forgotten or not _is_newest(board, agent, message, now_ms):
        return
    if contact:
        _adopt(board, contact, agent, message, now_ms)
    else:
        _restore(board, agent, message, now_ms)


def _is_newest(board: BoardState, agent: Agent, message: TalkHeld, now_ms: int) -> bool:
    """Whether the agent is in no younger talk; an older one is over, unnoticed."""
    other = board.contacts.get(agent.contact)
    if not other or other.state != ContactState.CONNECTED or other.id == message.contact:
        return True
    if other.connected_at_ms > message.connected_at_ms:
        return False
    contacts.ended(board, TalkEnded(other.id, agent.offer, "", now_ms - other.connected_at_ms), now_ms)
    return True


def _restore(board: BoardState, agent: Agent, message: TalkHeld, now_ms: int) -> None:
    """A contact that went with Redis's data."""
    contact = Contact(message.contact, message.server, message.queue, list(message.steps), message.enqueued_at_ms, message.facts)
    board.contacts[contact.id] = contact
    _connect(board, contact, agent, message, now_ms)
    told = ContactRestored(*known_of(contact), offer=message.offer, connected_at_ms=contact.connected_at_ms)
    board.tell(told, now_ms, contact=contact, agent=agent)


def _adopt(board: BoardState, contact: Contact, agent: Agent, message: TalkHeld, now_ms: int) -> None:
    """The board believed that the contact waits, or rings elsewhere."""
    for offer in list(contact.offers):
        contacts.take_offer_back(board, contact, offer, now_ms)
    board.matching.remove_contact(contact.id)
    board.in_queue[contact.queue] -= 1
    _connect(board, contact, agent, message, now_ms)
    waited_ms = contact.connected_at_ms - contact.enqueued_at_ms
    board.tell(ContactConnected(message.offer, waited_ms), now_ms, contact=contact, agent=agent)


def _connect(board: BoardState, contact: Contact, agent: Agent, message: TalkHeld, now_ms: int) -> None:
    """Contact and agent hold each other; whoever was offered to the agent meanwhile waits on."""
    other, reserved = board.contacts.get(agent.contact), agent.offer
    contact.state, contact.offers = ContactState.CONNECTED, {message.offer: agent.id}
    contact.agent, contact.connected_at_ms = agent.id, message.connected_at_ms
    board.touch_contact(contact.id)
    agents.hold(board, agent, contact, message.offer, now_ms)
    if other and other.state == ContactState.OFFERED and reserved in other.offers:
        contacts.withdraw(board, other, reserved, now_ms)


HANDLERS: dict[type, Callable[[BoardState, Any, int], None]] = {TalkHeld: held}
