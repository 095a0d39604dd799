"""The board: the state with its rules. `apply` takes a message, `advance` lets time pass, `take_changes` (of the state) hands out
what must be committed: records, events, orders. Sans-I/O, so the router, the tests and the simulator run the same code.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from routing.board import (
    agents,
    arrivals,
    caller_history,
    contacts,
    customer_calls,
    overflow,
    redefinition,
    reported_agents,
    reported_talks,
    requests,
    servers,
)
from routing.board.board_records import Known
from routing.board.state import BoardState
from routing.domain.agent import Agent
from routing.domain.model import CallerHistory, Contact, Directory, QueuePolicy
from routing.ports import Ids

HANDLERS: dict[type, Callable[[BoardState, Any, int], None]] = (
    arrivals.HANDLERS
    | reported_talks.HANDLERS
    | contacts.HANDLERS
    | customer_calls.HANDLERS
    | agents.HANDLERS
    | reported_agents.HANDLERS
    | requests.HANDLERS
    | servers.HANDLERS
)
DEADLINES: dict[str, Callable[[BoardState, str, int], None]] = (
    contacts.DEADLINES
    | customer_calls.DEADLINES
    | agents.DEADLINES
    | servers.DEADLINES
    | overflow.DEADLINES
    | redefinition.DEADLINES
    | {"caller": caller_history.forget}
)
OF_AGENTS = {*agents.DEADLINES, "wrap_up", "reservation", "settle"}

NONE_FAILED: Mapping[tuple[str, str], int] = {}


class DeadlineFailed(Exception):
    """Acting on a deadline raised, which is a defect; the board is half changed. `kind` and `id` name the deadline."""

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"the deadline {kind} of {id} failed")
        self.kind, self.id = kind, id


class Board(BoardState):
    """The state of one routing domain, and its rules."""

    def apply(self, message: object, now_ms: int) -> None:
        """Take one message; one about something that is over is ignored."""
        HANDLERS[type(message)](self, message, now_ms)

    def advance(self, now_ms: int, again_ms: Mapping[tuple[str, str], int] = NONE_FAILED) -> None:
        """Let everything happen whose time has come; what failed before, a (kind, id) in `again_ms`, not before its moment there."""
        while due := self.due(now_ms):
            kind, id = due
            if again_ms.get(due, 0) > now_ms:
                self.schedule(again_ms[due], kind, id)
                continue
            if self._is_gone(kind, id):
                continue
            try:
                DEADLINES[kind](self, id, now_ms)
            except Exception as error:
                raise DeadlineFailed(kind, id) from error

    def _is_gone(self, kind: str, id: str) -> bool:
        """Whether the deadline is of an agent or a queue that the site does not have any more."""
        return (kind in OF_AGENTS and id not in self.agents) or (kind == "empty" and id not in self.site.queues)


def restore(
    directory: Directory,
    ids: Ids,
    now_ms: int,
    *,
    contacts_known: Iterable[Contact] = (),
    agents_known: Iterable[Agent] = (),
    callers_known: Iterable[CallerHistory] = (),
    servers_known: Iterable[str] = (),
    domain: str = "main",
    chance: random.Random | None = None,
    former: Mapping[str, QueuePolicy] = redefinition.NO_QUEUES,
    moves: Mapping[str, str] = redefinition.NO_MOVES,
) -> Board:
    """A board made from records: its index and deadlines are rebuilt, and whoever can be matched is. `servers_known` have calls.

    The records may be of another directory: `former` are queues that are gone as they were, `moves` says where their callers wait on.
    """
    contacts_known, agents_known = list(contacts_known), list(agents_known)
    known = redefinition.with_stand_ins(directory, contacts_known, agents_known, former)
    board = Board(known, ids, domain=domain, chance=chance, known=Known(contacts_known, agents_known, callers_known))
    board.site, board.moves = directory, {queue: to for queue, to in moves.items() if queue not in directory.queues}
    servers.resume(board, now_ms, servers_known)
    redefinition.leave_queues(board, now_ms)
    redefinition.settle_agents(board, now_ms, at_work=bool(agents_known))
    for agent in board.agents.values():
        reported_agents.resume(board, agent, now_ms)
    for history in board.callers.values():
        caller_history.resume(board, history)
    board.index()
    redefinition.go_on(board, now_ms)
    return board
