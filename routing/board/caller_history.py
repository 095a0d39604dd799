"""What is remembered of callers between their calls, by the number they call from: who talked to them, and the place they lost."""

from routing.board.state import BoardState
from routing.domain.agent import Agent
from routing.domain.model import CallerHistory, Contact

LONGEST = 50_000  # callers remembered; beyond it those who were remembered first are forgotten


def resume(board: BoardState, history: CallerHistory) -> None:
    """Take it from the record, after a change of router."""
    board.schedule(_forgotten_ms(board, history), "caller", history.id)


def cut_off(board: BoardState, contact: Contact, now_ms: int) -> None:
    """The caller hung up, or was cut off, while waiting: the place is kept for a while, where the queue does so."""
    ani = contact.facts.ani
    if ani and board.directory.queues[contact.queue].keep_place_ms:
        history = _remembered(board, ani, now_ms)
        history.queue, history.place_from_ms, history.left_ms = contact.queue, contact.enqueued_at_ms - contact.place_ms, now_ms
        board.touch_caller(history.id)


def talked(board: BoardState, contact: Contact, agent: Agent, now_ms: int) -> None:
    """Whoever talked to a caller is remembered, where the queue asks for the last agent; the place is not needed any more."""
    ani, history = contact.facts.ani, _known(board, contact)
    if ani and board.directory.queues[contact.queue].last_agent_ms:
        history = history or _remembered(board, ani, now_ms)
        history.agent, history.agent_ms = agent.id, now_ms
    if history:
        history.queue = ""
        board.touch_caller(history.id)


def place_of(board: BoardState, contact: Contact, now_ms: int) -> int:
    """Milliseconds since this caller began to wait for this queue on a call that was cut off, 0 when there was none. Given once."""
    history = _known(board, contact)
    if not history or history.queue != contact.queue or now_ms - history.left_ms > board.directory.queues[contact.queue].keep_place_ms:
        return 0
    history.queue = ""
    board.touch_caller(history.id)
    return max(0, contact.enqueued_at_ms - history.place_from_ms)


def last_agent(board: BoardState, contact: Contact, now_ms: int) -> str:
    """Who talked to this caller last, within the time that the queue asks for; "" for nobody."""
    history = _known(board, contact)
    recent = history and now_ms - history.agent_ms <= board.directory.queues[contact.queue].last_agent_ms
    return history.agent if history and recent else ""


def forget(board: BoardState, id: str, now_ms: int) -> None:
    """Deadline: nothing of it matters any more, unless it was renewed; then it is looked at when that does not matter any more."""
    history = board.callers.get(id)
    if history and _forgotten_ms(board, history) > now_ms:
        resume(board, history)
    elif history:
        del board.callers[id]
        board.touch_caller(id)


def _known(board: BoardState, contact: Contact) -> CallerHistory | None:
    """What is remembered of whoever calls; nothing of a caller without a number."""
    return board.callers.get(contact.facts.ani) if contact.facts.ani else None


def _remembered(board: BoardState, ani: str, now_ms: int) -> CallerHistory:
    """The record; of a new one `forget` is asked to find out when it may go."""
    known = board.callers.get(ani)
    if known:
        return known
    if len(board.callers) >= LONGEST:
        oldest = next(iter(board.callers))
        del board.callers[oldest]
        board.touch_caller(oldest)
    board.callers[ani] = CallerHistory(ani)
    board.schedule(now_ms, "caller", ani)
    return board.callers[ani]


def _forgotten_ms(board: BoardState, history: CallerHistory) -> int:
    """When it does not matter any more to any queue."""
    queue = board.directory.queues.get(history.queue)
    place_ms = history.left_ms + queue.keep_place_ms if queue else 0
    longest_ms = max((queue.last_agent_ms for queue in board.directory.queues.values()), default=0)
    return max(place_ms, history.agent_ms + longest_ms if history.agent else 0) + 1
