"""Talks that are reported: a server has a conversation that the board does not know of, or knows of as an offer.

What Asterisk connects goes on, whatever the board believed; of two talks of one agent the younger one is real.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from routing.board import assignments, contacts
from routing.board.state import BoardState
from routing.domain.agent import Agent
from routing.domain.agent_state import AgentPresence
from routing.domain.assignment import AssignmentState
from routing.domain.contact_state import QUEUED, ContactState
from routing.domain.events.contacts import ContactConnected, ContactRestored
from routing.domain.kinds import holder_of
from routing.domain.messages import OfferAnswered, TalkEnded, TalkReported
from routing.domain.model import Contact

WANTED = {AgentPresence.PAUSED: "paused", AgentPresence.LOGGED_OUT: "logged_out"}


def reported(board: BoardState, message: TalkReported, now_ms: int) -> None:
    """They talk."""
    contact, agent = board.contacts.get(message.contact), board.agents.get(message.agent)
    if contact:
        _follow(board, contact, message)
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


def _is_newest(board: BoardState, agent: Agent, message: TalkReported, now_ms: int) -> bool:
    """Whether the agent has capacity for it, or an older talk, which is over then, unnoticed."""
    talks = {
        offer: other
        for offer, assignment in agent.assignments.items()
        if assignment.kind == message.facts.kind and assignment.state == AssignmentState.CONNECTED
        if (other := board.contacts.get(assignment.contact)) and other.id != message.contact
    }
    if len(talks) < max(1, board.directory.agents[agent.id].capacity.get(message.facts.kind, 1)):
        return True
    offer = min(talks, key=lambda offer: talks[offer].connected_at_ms)
    if talks[offer].connected_at_ms > message.connected_at_ms:
        return False
    contacts.ended(board, TalkEnded(talks[offer].id, offer, "", now_ms - talks[offer].connected_at_ms), now_ms)
    return True


def _follow(board: BoardState, contact: Contact, message: TalkReported) -> None:
    """That server has the contact, or carries it out where no server has it."""
    agent = board.agents.get(contact.agent)
    if contact.holder is not None:
        contact.holder = message.server
        board.touch_contact(contact.id)
    elif agent and (assignment := agent.assignments.get(message.offer)) and assignment.server != message.server:
        agent.assignments[message.offer] = replace(assignment, server=message.server)
        board.touch_agent(agent.id)


def _restore(board: BoardState, agent: Agent, message: TalkReported, now_ms: int) -> None:
    """A contact that went with Redis's data."""
    holder = holder_of(message.facts.kind, message.server)
    contact = Contact(message.contact, holder, message.queue, list(message.steps), message.enqueued_at_ms, message.facts)
    board.contacts[contact.id] = contact
    _connect(board, contact, agent, message, now_ms, is_known=False)
    data = ContactRestored(**contacts.known_by(contact), offer=message.offer, connected_at_ms=contact.connected_at_ms)
    board.write(data, now_ms, contact=contact, agent=agent)


def _adopt(board: BoardState, contact: Contact, agent: Agent, message: TalkReported, now_ms: int) -> None:
    """The board had the contact as waiting, or as offered to another agent."""
    for offer in list(contact.offers):
        contacts.take_offer_back(board, contact, offer, now_ms)
    board.matching.remove_contact(contact.id)
    if contact.state in QUEUED:
        board.in_queue[contact.queue] -= 1
    _connect(board, contact, agent, message, now_ms, is_known=True)
    waited_ms = contact.waited_ms(contact.connected_at_ms)
    board.write(ContactConnected(message.offer, waited_ms), now_ms, contact=contact, agent=agent)


def _connect(board: BoardState, contact: Contact, agent: Agent, message: TalkReported, now_ms: int, *, is_known: bool) -> None:
    """Contact and agent hold each other; whoever was offered to the agent meanwhile waits on. Where the contact is known so is what the
    agent asked for, who was believed to be free: it is granted after the talk."""
    contact.state, contact.offers = ContactState.CONNECTED, {message.offer: agent.id}
    contact.agent, contact.connected_at_ms = agent.id, message.connected_at_ms
    board.touch_contact(contact.id)
    wanted = WANTED.get(agent.presence, "") if is_known else ""
    reason = agent.reason
    void = assignments.take_talk(board, agent, contact, message.offer, now_ms)
    if wanted:
        assignments.wish(board, agent, wanted, reason, now_ms)
    if contact.holder is None:
        agent.assignments[message.offer] = replace(agent.assignments[message.offer], server=message.server)
    contacts.withdraw_void(board, void, now_ms)


HANDLERS: dict[type, Callable[[BoardState, Any, int], None]] = {TalkReported: reported}
