"""The board: the floor with its rules. `apply` takes a message, `advance` lets time pass, `take_changes` (of the floor) hands out
what must be committed: records, events, orders. Sans-I/O, so the router, the tests and the simulator run the same code.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from routing import agents, arrivals, caller_memory, contacts, overflow, requests, servers, talks
from routing.agent_state import AgentState
from routing.floor import Floor
from routing.model import Agent, AgentProfile, CallerMemory, Contact, Directory, QueuePolicy
from routing.ports import Ids

HANDLERS: dict[type, Callable[[Floor, Any, int], None]] = (
    arrivals.HANDLERS | talks.HANDLERS | contacts.HANDLERS | agents.HANDLERS | requests.HANDLERS | servers.HANDLERS
)
DEADLINES: dict[str, Callable[[Floor, str, int], None]] = (
    contacts.DEADLINES | agents.DEADLINES | servers.DEADLINES | overflow.DEADLINES | {"caller": caller_memory.forget}
)

NONE_FAILED: Mapping[tuple[str, str], int] = {}


class DeadlineFailed(Exception):
    """Acting on a deadline raised, which is a defect; the board is half changed. `kind` and `id` name the deadline."""

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"the deadline {kind} of {id} failed")
        self.kind, self.id = kind, id


class Board(Floor):
    """The state of one routing domain, and its rules."""

    def apply(self, message: object, now_ms: int) -> None:
        """Take one message; one about something that is over is ignored."""
        HANDLERS[type(message)](self, message, now_ms)

    def advance(self, now_ms: int, again_ms: Mapping[tuple[str, str], int] = NONE_FAILED) -> None:
        """Let everything happen whose time has come; what failed before, a (kind, id) in `again_ms`, not before its moment there."""
        while due := self.due(now_ms):
            kind, id = due
            if again_ms.get(due, 0) > now_ms:
                self.at(again_ms[due], kind, id)
                continue
            try:
                DEADLINES[kind](self, id, now_ms)
            except Exception as error:
                raise DeadlineFailed(kind, id) from error


def restore(
    directory: Directory,
    ids: Ids,
    now_ms: int,
    *,
    contacts_known: Iterable[Contact] = (),
    agents_known: Iterable[Agent] = (),
    callers_known: Iterable[CallerMemory] = (),
    servers_known: Iterable[str] = (),
    domain: str = "main",
    chance: random.Random | None = None,
) -> Board:
    """A board made from records: its index and deadlines are rebuilt, and whoever can be matched is. `servers_known` have calls."""
    contacts_known, agents_known = list(contacts_known), list(agents_known)
    known = _with_vanished(directory, contacts_known, agents_known)
    board = Board(known, ids, domain=domain, chance=chance, contacts=contacts_known, agents=agents_known, callers=callers_known)
    servers.resume(board, now_ms, servers_known)
    for agent in board.agents.values():
        agents.resume(board, agent, now_ms)
    for memory in board.callers.values():
        caller_memory.resume(board, memory)
    for queue in directory.queues:
        board.watch(queue, now_ms)
    for agent in board.agents.values():
        board.seek_contact(agent, now_ms)
    for contact in board.matching.in_turn(list(board.contacts.values()), now_ms):
        contacts.resume(board, contact, now_ms)
    return board


def _with_vanished(directory: Directory, contacts_known: Iterable[Contact], agents_known: Iterable[Agent]) -> Directory:
    """The site's definitions, and stand-ins for what it does not define any more but is still in use.

    Who waits in a queue that is gone is timed out; who talks or rings comes to the usual end.
    """
    named = {contact.queue for contact in contacts_known} | {agent.queue for agent in agents_known if agent.queue}
    queues = {name: QueuePolicy(name, max_wait_ms=0, max_waiting=0) for name in sorted(named - directory.queues.keys())}
    busy = (agent for agent in agents_known if agent.state in (AgentState.RESERVED, AgentState.ON_CONTACT))
    people = {agent.id: AgentProfile(agent.id, agent.id, agent.phone) for agent in busy if agent.id not in directory.agents}
    return replace(directory, queues={**queues, **directory.queues}, agents={**people, **directory.agents})
