"""The rules of what agents have in hand: offers that end, contacts that begin and end, wrap-up, and wishes that are granted after it."""

from routing.board import agents
from routing.board.state import BoardState
from routing.board.strategies import STRATEGIES
from routing.domain.agent import Agent
from routing.domain.agent_state import AgentEvent, AgentState
from routing.domain.assignment import IN_TOUCH, Assignment, AssignmentEvent, AssignmentState, after
from routing.domain.events.agents import (
    AgentChanged,
    AgentConnected,
    AgentDialling,
    AgentReady,
    AgentWishChanged,
    AgentWorkChanged,
    AgentWrapUpStarted,
)
from routing.domain.model import UNTIL_DONE, Contact

# Outcomes of an offer that the agent or the phone made.
OF_THE_AGENT = frozenset({"declined", "busy", "rang_out", "unreachable"})
EVENTS_OF: dict[AssignmentEvent, type[AgentChanged]] = {
    AssignmentEvent.ACCEPT: AgentDialling,
    AssignmentEvent.ANSWER: AgentConnected,
    AssignmentEvent.END: AgentWrapUpStarted,
}


def step(board: BoardState, agent: Agent, offer: str, event: AssignmentEvent, now_ms: int, *, until_ms: int = 0) -> None:
    """Take an assignment through its table, and write the event."""
    before, assignment = agent.state, agent.assignments[offer]
    state = after(assignment.state, event)
    if state:
        agent.assignments[offer] = assignment.moved(state, now_ms, until_ms)
    else:
        del agent.assignments[offer]
        agent.presence_since_ms = now_ms
    board.measure(agent, before, now_ms)
    agent.reason = agent.reason if agent.requested else ""
    agents.settle_when_free(board, agent, now_ms)
    board.touch_agent(agent.id)
    data = EVENTS_OF.get(event) or (AgentReady if agent.state == AgentState.READY else AgentWorkChanged)
    agents.write(board, agent, data, now_ms, before=before, queue=assignment.queue)


def offer_ended(board: BoardState, agent: Agent, offer: str, outcome: str, now_ms: int) -> None:
    """An offer to this agent came to nothing: back to what they were, or paused where the agent is plainly not there."""
    assignment = agent.assignments.get(offer)
    if not assignment or assignment.state not in (AssignmentState.OFFERED, AssignmentState.DIALLING):
        return
    policy = board.directory.queues[assignment.queue]
    no_fault = outcome == "rang_out" and STRATEGIES[policy.strategy].rings_several  # somebody else was expected to answer
    if outcome in (OF_THE_AGENT | policy.pause_after.keys()) and not no_fault:
        agent.refused = {outcome: agent.refused.get(outcome, 0) + 1}
    is_away = 0 < policy.pause_after.get(outcome, 0) <= agent.refused.get(outcome, 0)
    if is_away and len(agent.assignments) == 1:
        agents.move(board, agent, AgentEvent.PAUSE, now_ms, reason=outcome)
    else:
        step(board, agent, offer, AssignmentEvent.RELEASE, now_ms)
        if is_away:
            wish(board, agent, "paused", outcome, now_ms)
        _grant_wish(board, agent, now_ms)
    board.seek_contact(agent, now_ms)


def wish(board: BoardState, agent: Agent, requested: str, reason: str, now_ms: int) -> None:
    """The agent wants to pause or to log out, or with "" takes that back; it is granted when nothing is in hand any more."""
    agent.requested, agent.reason = requested, reason
    board.matching.remove_agent(agent.id)
    board.touch_agent(agent.id)
    agents.write(board, agent, AgentWishChanged, now_ms)


def connected(board: BoardState, agent: Agent, offer: str, now_ms: int) -> None:
    agent.refused.clear()
    step(board, agent, offer, AssignmentEvent.ANSWER, now_ms)


def contact_ended(board: BoardState, agent: Agent, offer: str, now_ms: int) -> None:
    """Wrap-up begins: the agent's own time, else the queue's."""
    assignment = agent.assignments.get(offer)
    if not assignment or assignment.state != AssignmentState.CONNECTED:
        return
    own = board.directory.agents[agent.id].wrap_up_ms
    wrap_up_ms = board.directory.queues[assignment.queue].wrap_up_ms if own is None else own
    agent.handled += 1
    agent.idle_since_ms = now_ms
    until_ms = 0 if wrap_up_ms == UNTIL_DONE else now_ms + wrap_up_ms
    step(board, agent, offer, AssignmentEvent.END, now_ms, until_ms=until_ms)
    if wrap_up_ms == 0:
        wrap_up_over(board, agent.id, now_ms)
    elif until_ms:
        board.schedule(until_ms, "wrap_up", agent.id)


def wrap_up_over(board: BoardState, id: str, now_ms: int) -> None:
    """Deadline: a wrap-up is over, unless a disposition is still to be given; what was asked for during the contact happens now."""
    agent = board.agents[id]
    for offer, assignment in list(agent.assignments.items()):
        is_over = assignment.state == AssignmentState.WRAP_UP and 0 < assignment.until_ms <= now_ms
        if is_over and not owes(board, assignment):
            end_wrap_up(board, agent, offer, now_ms)


def end_wrap_up(board: BoardState, agent: Agent, offer: str, now_ms: int) -> None:
    """On to what comes after: ready, or what was asked for during the contact."""
    if agent.requested and len(agent.assignments) == 1:
        grant(board, agent, now_ms)
    else:
        step(board, agent, offer, AssignmentEvent.END_WRAP_UP, now_ms)
    board.seek_contact(agent, now_ms)


def _grant_wish(board: BoardState, agent: Agent, now_ms: int) -> None:
    if agent.requested and not agent.assignments:
        grant(board, agent, now_ms)


def grant(board: BoardState, agent: Agent, now_ms: int) -> None:
    """What was asked for is so from now on."""
    requested, agent.requested = agent.requested, ""
    if requested == "logged_out":
        agents.leave_phone(board, agent, now_ms)
        agents.move(board, agent, AgentEvent.LOG_OUT, now_ms)
    else:
        agents.take_break(board, agent, agent.reason, now_ms)


def owes(board: BoardState, assignment: Assignment) -> bool:
    """Whether a wrap-up's queue wants a disposition that has not been given."""
    policy = board.directory.queues.get(assignment.queue)
    is_required = bool(policy and policy.disposition_required and policy.dispositions)
    return is_required and assignment.state == AssignmentState.WRAP_UP and not assignment.disposition


def owing(board: BoardState, agent: Agent) -> list[str]:
    """The offers of the wrap-ups that owe a disposition."""
    return [offer for offer, assignment in agent.assignments.items() if owes(board, assignment)]


def owe_last(board: BoardState, agent: Agent, now_ms: int) -> None:
    """Back to a wrap-up that was left without the disposition that its queue wants, if the last one was."""
    left = Assignment(
        agent.last_contact, agent.last_queue, state=AssignmentState.WRAP_UP, since_ms=now_ms, until_ms=now_ms, disposition=agent.disposition
    )
    if agent.state == AgentState.READY and agent.last_contact and owes(board, left):
        agent.assignments[f"left-{agent.last_contact}"] = left
        board.measure(agent, AgentState.READY, now_ms)
        board.touch_agent(agent.id)
        agents.write(board, agent, AgentWrapUpStarted, now_ms, before=AgentState.READY)


def take_talk(board: BoardState, agent: Agent, contact: Contact, offer: str, now_ms: int) -> dict[str, Assignment]:
    """The agent talks to a contact that was found again. Returns what they cannot have beside it: those offers are to be withdrawn."""
    before, capacity = agent.state, max(1, board.directory.agents[agent.id].capacity.get(contact.kind, 1))
    alike = [known for known, assignment in agent.assignments.items() if assignment.kind == contact.kind and known != offer]
    alike.sort(key=lambda known: agent.assignments[known].state in IN_TOUCH)  # talks stay first
    void = {known: agent.assignments.pop(known) for known in alike[: max(0, len(alike) + 1 - capacity)]}
    given = agent.disposition if agent.last_contact == contact.id else ""
    agent.assignments[offer] = Assignment(
        contact.id, contact.queue, contact.kind, AssignmentState.CONNECTED, contact.connected_at_ms, disposition=given
    )
    agents.found_at_work(board, agent, before, now_ms)
    return void
