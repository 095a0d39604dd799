"""Whether a queue would take a contact, and which overflow rule leads to one that does."""

from routing.board.staffing import is_there
from routing.board.state import BoardState
from routing.domain.messages import LeaveOutcome
from routing.domain.model import Contact, Overflow, StaffingRule


def refusal(board: BoardState, contact: Contact, queue: str, now_ms: int) -> LeaveOutcome | None:
    """Why a queue does not take a contact now."""
    policy = board.directory.queues[queue]
    if not board.directory.is_open(queue, now_ms):
        return "closed"
    if board.in_queue[queue] >= policy.max_waiting:
        return "full"
    return None if somebody(board, contact, queue, policy.join_when) else "no_agents"


def somebody(board: BoardState, contact: Contact, queue: str, rule: StaffingRule) -> bool:
    """Whether anybody of a queue is there for the contact in the sense of the rule."""
    members = board.matching.members(queue)
    return rule == "always" or any(is_there(rule, board.agents[member.id], member, contact, queue) for member in members)


def leads_on(board: BoardState, contact: Contact, rule: Overflow, now_ms: int) -> bool:
    """Whether a rule leads to the flow, or to a queue that would take the contact."""
    return not rule.to or refusal(board, contact, rule.to, now_ms) is None


def due_rule(board: BoardState, contact: Contact, now_ms: int) -> Overflow | None:
    """The first rule for who has waited so long that leads on."""
    rules = board.directory.queues[contact.queue].rules_after(contact.waited_ms(now_ms), contact.overflowed)
    return next((rule for rule in rules if leads_on(board, contact, rule, now_ms)), None)
