"""The rules of servers: which are alive, what becomes of the callers of one that is not, and how what Redis lost is reported again.

A server that dies loses no caller: Asterisk brings them to another one, or to the same one started again, and they arrive there at
their old place. Until then they are offered nothing.
"""

from collections.abc import Callable, Iterable
from typing import Any

from routing.board import contacts, customer_calls
from routing.board.offer_servers import OfferServer
from routing.board.state import BoardState
from routing.domain.assignment import Assignment, AssignmentState
from routing.domain.contact_state import ContactState
from routing.domain.events.servers import ServerBack, ServerLost, ServersListed
from routing.domain.events.servers import ServerLeft as ServerLeftEvent
from routing.domain.identifiers import asterisk_of
from routing.domain.messages import ContactLeft, ContactsReported, ServerAlive, ServerLeft, TalkEnded
from routing.domain.model import Contact
from routing.domain.orders import LeaveOrder, ReportContactOrder

LOST_AFTER_MS = 3_000
GATHER_MS = 1_000  # what servers may take to report again what Redis lost
TRUST_MS = 2_000  # a router that has just taken over has not heard of every server yet
ON_ITS_WAY_MS = 10_000
ADRIFT_MS = 120_000  # how long the callers of a lost server may take to turn up again


def resume(board: BoardState, now_ms: int, servers: Iterable[str] = ()) -> None:
    """After a change of router: every server that has calls (`servers`) or contacts is believed to live until it fails to say so."""
    board.list_from_ms = now_ms + TRUST_MS
    if any(contact.holder is None for contact in board.contacts.values()):
        board.schedule(board.list_from_ms, "trusted", "")
    for server in (*servers, *(contact.holder for contact in board.contacts.values())):
        if server and server not in board.servers:
            _follow(board, server, now_ms)


def gather(board: BoardState, now_ms: int) -> None:
    """Redis lost its data: servers report again who waits and who works, each in its own time. Offers begin when all have had the time."""
    board.gathering = True
    board.schedule(now_ms + GATHER_MS, "gathered", "")


def gathered(board: BoardState, _: str, now_ms: int) -> None:
    """Deadline: who has been reported by now gets their chance in their order."""
    board.gathering = False
    board.seek_agents([contact for contact in board.contacts.values() if contact.state == ContactState.WAITING], now_ms)


def alive(board: BoardState, message: ServerAlive, now_ms: int) -> None:
    """Remember it. One that was believed lost and speaks again (it was frozen) is alive again; its callers may be at other servers by
    now."""
    if message.server not in board.servers:
        _follow(board, message.server, now_ms)
    board.servers[message.server] = now_ms
    known = OfferServer(message.asterisk, frozenset(message.kinds), frozenset(message.trunks))
    if board.offer_servers.learn(message.server, known):
        board.follow_offer_servers(now_ms)
    if message.agi:
        _take_calls(board, message.server, (message.asterisk, message.agi), now_ms)
    else:
        _take_none(board, message.server, now_ms)
    heard(board, message.server, now_ms)


def heard(board: BoardState, server: str, now_ms: int) -> None:
    """A server says anything: if it was believed lost, its callers are offered to agents again, in their order."""
    if server in board.lost:
        board.lost.discard(server)
        board.write(ServerBack(server), now_ms)
        board.seek_agents(_waiting_of(board, server), now_ms)


def left(board: BoardState, message: ServerLeft, now_ms: int) -> None:
    """It ended in good order; callers whom it could not keep to the end turn up at other servers."""
    _take_none(board, message.server, now_ms)
    if board.servers.pop(message.server, None) is not None:
        board.write(ServerLeftEvent(message.server), now_ms)
        _set_adrift(board, message.server, now_ms)


def list_contacts(board: BoardState, message: ContactsReported, now_ms: int) -> None:
    """What a server does not list, though the board has it there, is over: the report of that was lost with the data."""
    listed = set(message.contacts)
    for id in message.contacts:
        if id not in board.contacts and not board.ended_lately(id, now_ms, ON_ITS_WAY_MS):  # its last order may not have arrived yet
            over = board.ended_lately(id, now_ms)
            board.order(message.server, LeaveOrder(id, "failed") if over else ReportContactOrder(id))
    for contact in [contact for contact in board.contacts.values() if contact.holder == message.server and contact.id not in listed]:
        contacts.left(board, ContactLeft(contact.id, "failed"), now_ms)
    _give_up_carried(board, message.server, now_ms, lambda known: known.contact not in listed and known.since_ms + ON_ITS_WAY_MS < now_ms)


def silent(board: BoardState, server: str, now_ms: int) -> None:
    """Deadline: has it said anything since?"""
    last_ms = board.servers.get(server)
    if last_ms is None:
        return
    if last_ms + LOST_AFTER_MS > now_ms:
        board.schedule(last_ms + LOST_AFTER_MS, "server", server)
        return
    del board.servers[server]
    asterisk, agi = _take_none(board, server, now_ms)
    board.write(ServerLost(server, agi, asterisk), now_ms)
    _set_adrift(board, server, now_ms)


def adrift(board: BoardState, server: str, now_ms: int) -> None:
    """Deadline: callers of a lost server who have not turned up anywhere by now are gone."""
    if server in board.lost:
        board.lost.discard(server)
        _give_up_carried(board, server, now_ms, lambda known: True)
        for contact in [contact for contact in board.contacts.values() if contact.holder == server]:
            if contact.state != ContactState.CONNECTED:  # a talk needs no server; whoever sees its end reports it
                contacts.left(board, ContactLeft(contact.id, "failed"), now_ms)
            elif not _is_seen(board, contact):
                talk_ms = now_ms - contact.connected_at_ms
                contacts.ended(board, TalkEnded(contact.id, next(iter(contact.offers), ""), "system", talk_ms), now_ms)


def listing(board: BoardState, _: str, now_ms: int) -> None:
    """Deadline: write to each Asterisk's servers where calls can go. Nothing is written of one that has none left: it keeps the last
    list."""
    listed: dict[str, dict[str, str]] = {}
    for server, (asterisk, agi) in board.addresses.items():
        listed.setdefault(asterisk, {})[server] = agi
    for asterisk, addresses in listed.items():
        if board.listed.get(asterisk) != addresses:
            board.listed[asterisk] = addresses
            board.write(ServersListed(asterisk, dict(addresses)), now_ms)


def _take_calls(board: BoardState, server: str, address: tuple[str, str], now_ms: int) -> None:
    """Calls go there from now on. Whoever had that address before has died, and this one was started in its place."""
    if board.addresses.get(server) != address:
        board.addresses = {other: known for other, known in board.addresses.items() if known != address}
        board.addresses[server] = address
        board.schedule(max(now_ms, board.list_from_ms), "listing", "")


def _take_none(board: BoardState, server: str, now_ms: int) -> tuple[str, str]:
    """Calls go there no more; the Asterisk and the address that they came from and went to."""
    address = board.addresses.pop(server, None)
    if address:
        board.schedule(max(now_ms, board.list_from_ms), "listing", "")
    return address or ("", "")


def _is_seen(board: BoardState, contact: Contact) -> bool:
    """Whether somebody could see the end of a talk: a server of its Asterisk. Where Asterisks have no names there is one, ours."""
    asterisk = asterisk_of(contact.facts.call)
    return not asterisk or any(asterisk == known for known, _ in board.addresses.values())


def _set_adrift(board: BoardState, server: str, now_ms: int) -> None:
    board.lost.add(server)
    board.offer_servers.forget(server)
    for contact in _waiting_of(board, server):
        board.matching.remove_contact(contact.id)
    board.follow_offer_servers(now_ms)  # first: nobody is to be offered what this server would carry
    _give_up_carried(board, server, now_ms, lambda known: known.state != AssignmentState.CONNECTED)  # a talk may go on without it
    board.schedule(now_ms + ADRIFT_MS, "adrift", server)


def _give_up_carried(board: BoardState, server: str, now_ms: int, is_over: Callable[[Assignment], bool]) -> None:
    """Of the offers that a server carries out of contacts that no server has, end those that are over: the contacts wait again."""
    for agent in list(board.agents.values()):
        for offer, known in list(agent.assignments.items()):
            contact = board.contacts.get(known.contact)
            if known.server == server and contact and offer in contact.offers and is_over(known):
                customer_calls.give_up(board, contact, agent, offer, now_ms)


def _follow(board: BoardState, server: str, now_ms: int) -> None:
    board.servers[server] = now_ms
    board.schedule(now_ms + LOST_AFTER_MS, "server", server)


def _waiting_of(board: BoardState, server: str) -> list[Contact]:
    return [contact for contact in board.contacts.values() if contact.holder == server and contact.state == ContactState.WAITING]


HANDLERS: dict[type, Callable[[BoardState, Any, int], None]] = {ServerAlive: alive, ServerLeft: left, ContactsReported: list_contacts}
DEADLINES: dict[str, Callable[[BoardState, str, int], None]] = {
    "server": silent,
    "adrift": adrift,
    "listing": listing,
    "gathered": gathered,
    "trusted": lambda board, _, now_ms: board.follow_offer_servers(now_ms),
}
