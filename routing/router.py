"""The router: the one server of a domain that decides. It has the lease, feeds the board from the inbox and commits what follows.

Any number of servers run one; all but the holder of the lease stand by. Whatever goes wrong - lease lost, commit refused, store away - the
board is thrown away and made again from the records: safety rests on the commit's fencing token, never on this file's timing.

Rules for whoever edits this file: nothing is awaited between `take_changes` and the commit of it; after any exception the board is
not used again.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import structlog

from routing.board import servers
from routing.board.board import Board, DeadlineFailed, restore
from routing.board.redefinition import NO_MOVES
from routing.definitions import Definitions
from routing.domain.current_directory import CurrentDirectory
from routing.domain.events.calls import at_server
from routing.domain.events.servers import DomainOpened, RoutingFailed
from routing.domain.messages import Message
from routing.domain.model import Directory
from routing.domain.orders import OfferOrder
from routing.intake import Batch, Intake
from routing.ports import Clock, Ids
from routing.store.port import StaleCommit, Store, StoreUnreachable
from routing.store.short_way import ShortWay

IDLE_MS = 1_000  # how long an inbox read blocks at most
SETTLE_MS = 1_000  # after taking over, messages are heard for so long before deadlines are acted on
FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 1_000, 60_000  # before a deadline that broke the board is tried again
BACK_OFF_MS = (50, 1_000)  # first and longest pause after the store was away or a defect showed

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Failed:
    """A deadline that raised: when it is tried again, and the pause before that."""

    again_ms: int
    pause_ms: int


class LeaseLost(Exception):
    """Another router leads, or may."""


class BoardBroken(Exception):
    """A message or deadline made the board raise; it is passed over when the board is made again."""


class Router:
    """Leads one routing domain while it has the lease. Counters are totals since the process began.

    `short_way` is that of the server in the same process, where there is one.
    """

    def __init__(
        self,
        store: Store,
        current: CurrentDirectory,
        ids: Ids,
        clock: Clock,
        *,
        server: str,
        domain: str = "main",
        lease_ms: int = 1_000,
        renew_ms: int = 300,
        chance: random.Random | None = None,
        on_latency: Callable[[float], None] | None = None,
        listed: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        """`on_latency` gets the milliseconds from reading a batch of messages to the commit of what follows from it; `listed` gives the
        servers that took calls at the last report: one of them may have fallen silent together with the router before this one."""
        self._store = store
        self.short_way = ShortWay(store)
        self._definitions = Definitions(current)
        self._ids = ids
        self._clock = clock
        self._chance = chance or random.Random()
        self._lease_ms, self._renew_ms = lease_ms, renew_ms
        self._on_latency = on_latency
        self._listed = listed
        self._held_until = 0.0  # in the loop's time
        self._passed_over: set[str] = set()  # inbox positions that broke the board
        self._failed: dict[tuple[str, str], Failed] = {}  # deadlines that broke the board -> when they are tried again
        self._unwritten: list[RoutingFailed] = []  # what broke the board, for the log of events
        self.server = server
        self.domain = domain
        self.is_leader = False
        self.decisions = 0  # offers made
        self.commits = 0
        self.messages = 0
        self.largest_batch = 0
        self.skipped = 0  # messages and deadlines passed over because the board could not take them

    async def run(self) -> None:
        """Lead or stand by until cancelled; then the lease is given back, so that another router takes over at once."""
        pause_ms, logged = BACK_OFF_MS[0], False
        while True:
            before = self.commits
            try:
                fence = await self._win_lease()
                logged = False
                await self._lead(fence)
            except (LeaseLost, StaleCommit) as over:
                log.info("router_stands_by", server=self.server, reason=str(over))
            except BoardBroken:
                pass  # logged where it broke
            except StoreUnreachable as away:
                if not (logged or away.logged):
                    log.warning("store_unreachable", server=self.server, reason=str(away))
                    logged = True
            except Exception:
                log.exception("router_failed", server=self.server)
            pause_ms = BACK_OFF_MS[0] if self.commits > before else min(2 * pause_ms, BACK_OFF_MS[1])
            await asyncio.sleep(pause_ms / 1000)

    async def change_directory(
        self, directory: Directory, moves: Mapping[str, str] = NO_MOVES, put_in_force: Callable[[], None] | None = None
    ) -> None:
        """Decide by another directory: from the next commit on while this router leads, and whenever it will. `moves`: queue that is
        gone -> the one where its callers wait on. `put_in_force` replaces the directory in its holder, in the same moment.

        Raises ChangeRefused, and StoreUnreachable while it cannot be known who waits; nothing has changed then.
        """
        await self._definitions.change(self._store, directory, moves, put_in_force)

    async def _win_lease(self) -> int:
        """The fencing token, as soon as the lease is free."""
        while True:
            self._held_until = asyncio.get_running_loop().time() + self._lease_ms / 1000
            fence = await self._store.acquire(self.server, self._lease_ms)
            if fence is not None:
                return fence
            await asyncio.sleep(self._renew_ms / 1000)

    async def _lead(self, fence: int) -> None:
        """Decide and keep the lease at the same time; whichever fails first ends both."""
        log.info("router_leads", server=self.server, domain=self.domain, fence=fence)
        self.is_leader = True
        tasks = [asyncio.create_task(self._decide(fence)), asyncio.create_task(self._keep_lease(fence))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self.is_leader = False
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._definitions.stop_leading()
            await self._give_lease_back(fence)

    async def _give_lease_back(self, fence: int) -> None:
        """At a regular end and after a failure alike; without the store it runs out by itself."""
        try:
            async with asyncio.timeout(self._lease_ms / 1000):
                await self._store.release(self.server, fence)
        except (StoreUnreachable, TimeoutError):
            pass
        except Exception:  # must not take the place of the cancellation that brought us here
            log.exception("lease_not_given_back", server=self.server)

    async def _keep_lease(self, fence: int) -> None:
        """Renew until it fails. Counts from before the call, so this side always thinks that it ends earlier than the store does."""
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(max(0.0, min(self._renew_ms / 1000, self._held_until - now())))
            asked = now()
            try:
                async with asyncio.timeout_at(self._held_until):
                    if not await self._store.renew(self.server, fence, self._lease_ms):
                        raise LeaseLost("the lease has gone to another router or to nobody")
                self._held_until = asked + self._lease_ms / 1000
            except TimeoutError:
                raise LeaseLost("the lease could not be renewed in time") from None
            except StoreUnreachable as away:
                if now() >= self._held_until:
                    raise LeaseLost(f"the lease could not be renewed in time: {away}") from None

    async def _decide(self, fence: int) -> None:
        snapshot = await self._store.load()
        now_ms = self._clock.now_ms()
        board = restore(
            self._definitions.directory,
            self._ids,
            now_ms,
            contacts_known=snapshot.contacts,
            agents_known=snapshot.agents,
            callers_known=snapshot.callers,
            servers_known={*self._listed(), *(at_server(event).server for event in snapshot.calls)},
            domain=self.domain,
            chance=self._chance,
            former=self._definitions.former,
            moves=self._definitions.moves,
        )
        self._definitions.lead_with(board)
        if snapshot.inbox == "0" and not snapshot.agents:  # the first start, or Redis lost its data: servers report again what they have
            board.write(DomainOpened(self.server), now_ms)
            if any(self._listed()):  # there were servers before: it is a loss
                servers.gather(board, now_ms)
        for event in self._unwritten:
            board.write(event, now_ms)
        intake = Intake(self._store, self.short_way, snapshot.inbox)
        try:
            await self._commit(board, fence, Batch((), snapshot.inbox))
            self._unwritten.clear()
            await self._go_on(board, fence, intake, now_ms + SETTLE_MS)
        finally:
            await intake.close()

    async def _go_on(self, board: Board, fence: int, intake: Intake, settled_ms: int) -> None:
        """Until something fails. Before `settled_ms` what happened meanwhile is heard, and not yet done what was due."""
        while True:
            batch = await intake.next(self._wait_ms(board, settled_ms))
            began = asyncio.get_running_loop().time()
            now_ms = self._clock.now_ms()
            self._change_directory(now_ms)
            for position, message in batch.messages:
                self._apply(board, position, message, now_ms)
            if now_ms >= settled_ms:
                self._advance(board, now_ms)
            await self._commit(board, fence, batch)
            if batch.messages:
                self.messages += len(batch.messages)
                self.largest_batch = max(self.largest_batch, len(batch.messages))
                if self._on_latency:
                    self._on_latency(1000 * (asyncio.get_running_loop().time() - began))

    def _wait_ms(self, board: Board, settled_ms: int) -> int:
        deadline = board.next_deadline()
        return IDLE_MS if deadline is None else max(0, min(IDLE_MS, max(deadline, settled_ms) - self._clock.now_ms()))

    async def _commit(self, board: Board, fence: int, batch: Batch) -> None:
        """Messages that came by the short way and change nothing need no commit."""
        changes = board.take_changes()
        if changes or batch.moved:
            positions = await self._store.commit(fence, batch.position, changes, batch.once)
            self._definitions.committed()
            self.commits += 1
            self.decisions += sum(isinstance(order, OfferOrder) for _, order in changes.orders)
            for (server, order), position in zip(changes.orders, positions, strict=True):
                if server == self.server:
                    self.short_way.deliver(position, order)
        self.short_way.committed()

    def _change_directory(self, now_ms: int) -> None:
        try:
            self._definitions.make(now_ms)
        except Exception as error:
            log.exception("directory_not_changed")
            self.skipped += 1
            raise BoardBroken from error

    def _apply(self, board: Board, position: str, message: Message, now_ms: int) -> None:
        if position in self._passed_over:
            return
        try:
            board.apply(message, now_ms)
        except Exception as error:
            log.exception("message_skipped", message=type(message).__name__, contact=getattr(message, "contact", ""), position=position)
            self.skipped += 1
            self._passed_over.add(position)
            what, id = type(message).__name__, str(getattr(message, "contact", "") or getattr(message, "agent", ""))
            self._unwritten.append(RoutingFailed(self.server, f"message {what}", id, repr(error), 0))
            raise BoardBroken from error

    def _advance(self, board: Board, now_ms: int) -> None:
        try:
            board.advance(now_ms, {due: failed.again_ms for due, failed in self._failed.items()})
        except DeadlineFailed as failed:
            due = failed.kind, failed.id
            pause_ms = min(2 * self._failed[due].pause_ms, LONGEST_PAUSE_MS) if due in self._failed else FIRST_PAUSE_MS
            log.exception("deadline_failed", kind=failed.kind, id=failed.id, again_in_ms=pause_ms)
            self.skipped += 1
            self._failed[due] = Failed(now_ms + pause_ms, pause_ms)
            what = f"deadline {failed.kind}"
            self._unwritten.append(RoutingFailed(self.server, what, failed.id, repr(failed.__cause__), pause_ms))
            raise BoardBroken from failed
        done = [due for due, failed in self._failed.items() if failed.again_ms <= now_ms]
        for due in done:  # it was tried again, or is not due any more
            del self._failed[due]
