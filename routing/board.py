"""The board: the floor with its rules. `apply` takes a message, `advance` lets time pass, `take_changes` (of the floor) hands out what must be
committed: records, events, orders. Sans-I/O, so the router, the tests and the simulator run the same code.
"""

import random
from collections.abc import Callable, Iterable
from typing import Any

from routing import agents, contacts, requests
from routing.floor import Floor
from routing.model import Agent, Contact, Directory
from routing.ports import Ids

HANDLERS: dict[type, Callable[[Floor, Any, int], None]] = contacts.HANDLERS | agents.HANDLERS | requests.HANDLERS
DEADLINES: dict[str, Callable[[Floor, str, int], None]] = contacts.DEADLINES | agents.DEADLINES


class Board(Floor):
    """The state of one routing domain, and its rules."""

    def apply(self, message: object, now_ms: int) -> None:
        """Take one message; one about something that is over is ignored."""
        HANDLERS[type(message)](self, message, now_ms)

    def advance(self, now_ms: int) -> None:
        """Let everything happen whose time has come."""
        while due := self.due(now_ms):
            kind, id = due
            DEADLINES[kind](self, id, now_ms)


def restore(
    directory: Directory,
    ids: Ids,
    now_ms: int,
    *,
    contacts_known: Iterable[Contact] = (),
    agents_known: Iterable[Agent] = (),
    domain: str = "main",
    chance: random.Random | None = None,
) -> Board:
    """A board made from records: its index and deadlines are rebuilt, and whoever can be matched is."""
    board = Board(directory, ids, domain=domain, chance=chance, contacts=contacts_known, agents=agents_known)
    for agent in board.agents.values():
        agents.resume(board, agent)
    for contact in sorted(board.contacts.values(), key=lambda contact: contact.order_ms):
        contacts.resume(board, contact, now_ms)
    for agent in board.agents.values():
        board.seek_contact(agent, now_ms)
    return board
