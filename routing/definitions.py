"""The definitions that a router decides by, and how they change: between two commits while it leads, at once while it stands by."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from routing.board.board import Board
from routing.board.redefinition import ChangeRefused, check, leading_on, redefine
from routing.domain.current_directory import CurrentDirectory
from routing.domain.model import Directory, QueuePolicy
from routing.store.port import Store


class LeadEnded(Exception):
    """The router leads no longer, and a change that was asked for may not have been made."""


@dataclass(frozen=True, slots=True)
class Change:
    """Another directory; `moves` as in `redefine`. `done` is set when it is committed, or has the reason why it was not made."""

    directory: Directory
    moves: Mapping[str, str]
    put_in_force: Callable[[], None]
    done: asyncio.Future[None]

    def fail(self, reason: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(reason)


class Definitions:
    """`former` and `moves` are what `restore` needs to know of queues that are gone."""

    def __init__(self, current: CurrentDirectory) -> None:
        self._current = current
        self._board: Board | None = None  # while the router leads
        self._asked: deque[Change] = deque()
        self._made: list[Change] = []  # not committed yet
        self.former: dict[str, QueuePolicy] = {}
        self.moves: dict[str, str] = {}

    @property
    def directory(self) -> Directory:
        """The one in force."""
        return self._current.directory

    async def change(self, store: Store, directory: Directory, moves: Mapping[str, str], put_in_force: Callable[[], None] | None) -> None:
        """As `Router.change_directory`."""
        put_in_force = put_in_force or (lambda: self._current.replace(directory))
        while True:
            if self._board:
                change = Change(directory, moves, put_in_force, asyncio.get_running_loop().create_future())
                self._asked.append(change)
                try:
                    return await change.done
                except LeadEnded:
                    if self.directory is directory:
                        return  # made, and not committed: the next board begins with it
                    continue
            known = await store.load()
            if not self._board:  # another router leads, or this one will by what is in force then
                check(self.directory, directory, known.contacts, moves)
                self._take_effect(directory, moves, put_in_force)
                return

    def lead_with(self, board: Board) -> None:
        """From now on changes are made on this board, until `stop_leading`."""
        self._board = board

    def make(self, now_ms: int) -> None:
        """Make the changes that were asked for; then `committed` is to be called. What it raises is a defect of the board."""
        assert self._board
        while self._asked:
            change = self._asked.popleft()
            if change.done.done():
                continue  # whoever asked has gone
            try:
                redefine(self._board, change.directory, now_ms, change.moves)
            except ChangeRefused as refused:
                change.fail(refused)
            except Exception as defect:
                change.fail(defect)
                raise
            else:
                self._take_effect(change.directory, change.moves, change.put_in_force)
                self._made.append(change)

    def committed(self) -> None:
        """What was made is in the store."""
        for change in self._made:
            if not change.done.done():
                change.done.set_result(None)
        self._made.clear()

    def stop_leading(self) -> None:
        """The board is not used any more; whoever waits for a change asks again."""
        self._board = None
        for change in (*self._made, *self._asked):
            change.fail(LeadEnded("the router leads no longer"))
        self._made.clear()
        self._asked.clear()

    def _take_effect(self, directory: Directory, moves: Mapping[str, str], put_in_force: Callable[[], None]) -> None:
        self.former |= self.directory.queues
        self.moves = leading_on(self.moves, moves, directory)
        put_in_force()
