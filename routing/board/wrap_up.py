"""What agents ask for in a wrap-up: to end it, to have more time, and to say how the contact ended."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from routing.board import agents, assignments
from routing.board.state import BoardState
from routing.domain.agent import Agent
from routing.domain.agent_state import AgentState, NotAllowed
from routing.domain.assignment import AssignmentState
from routing.domain.contact_facts import ContactFacts
from routing.domain.events.agents import AgentWrapUpExtended
from routing.domain.events.contacts import ContactDisposed
from routing.domain.messages import AgentAsked
from routing.domain.model import Contact


def end(board: BoardState, agent: Agent, message: AgentAsked, now_ms: int) -> None:
    """The one of the contact that is named, else the oldest. NotAllowed where a disposition is owed."""
    offer = _wrap_up_of(agent, message.contact)
    if not offer:
        raise NotAllowed(f"an agent who is {agent.state} has no wrap-up to end")
    if message.disposition:
        dispose(board, agent, message, now_ms)
    if offer in agent.assignments:
        assignment = agent.assignments[offer]
        if assignments.owes(board, assignment):
            raise NotAllowed(f"queue {assignment.queue} wants a disposition first: {_dispositions(board, assignment.queue)}")
        assignments.end_wrap_up(board, agent, offer, now_ms)


def extend(board: BoardState, agent: Agent, message: AgentAsked, now_ms: int) -> None:
    """By the queue's extension; nothing happens to one that has no end."""
    offer = _wrap_up_of(agent, message.contact)
    if not offer:
        raise NotAllowed(f"an agent who is {agent.state} has no wrap-up to extend")
    known = agent.assignments[offer]
    if known.until_ms:
        until_ms = max(now_ms, known.until_ms) + board.directory.queues[known.queue].wrap_up_extension_ms
        agent.assignments[offer] = replace(known, until_ms=until_ms)
        board.touch_agent(agent.id)
        board.schedule(until_ms, "wrap_up", agent.id)
        agents.write(board, agent, AgentWrapUpExtended, now_ms)


def dispose(board: BoardState, agent: Agent, message: AgentAsked, now_ms: int) -> None:
    """What a contact was about and how it ended: of the one that is named, else the present one, else the last."""
    offer = _disposed_offer(agent, message.contact)
    known = agent.assignments.get(offer)
    if known and (contact := board.contacts.get(known.contact)):
        agent.last_call, agent.last_contact, agent.last_queue = contact.facts.call, contact.id, contact.queue
    about, queue = (known.contact, known.queue) if known else (agent.last_contact, agent.last_queue)
    if not about:
        raise NotAllowed("there is no contact to give a disposition to")
    policy = board.directory.queues.get(queue)
    if not policy or message.disposition not in policy.dispositions:
        raise NotAllowed(f"{message.disposition!r} is no disposition of queue {queue}; known are: {_dispositions(board, queue)}")
    call = agent.last_call if about == agent.last_contact else ""
    if about == agent.last_contact:
        agent.disposition = message.disposition
    if known:
        agent.assignments[offer] = replace(known, disposition=message.disposition)
    board.touch_agent(agent.id)
    data = ContactDisposed(message.disposition, policy.dispositions[message.disposition])
    board.write(data, now_ms, contact=Contact(about, None, queue, [], 0, ContactFacts(call)), agent=agent)
    if known and known.state == AssignmentState.WRAP_UP:
        _go_on(board, agent, offer, now_ms)


def _go_on(board: BoardState, agent: Agent, offer: str, now_ms: int) -> None:
    """A wrap-up that waited for its disposition is over now, and so is one that a wish waits for."""
    if agent.requested and len(agent.assignments) == 1:
        assignments.end_wrap_up(board, agent, offer, now_ms)
    else:
        assignments.wrap_up_over(board, agent.id, now_ms)


def _wrap_up_of(agent: Agent, contact: str) -> str:
    """The offer of the wrap-up that is meant; "" for none. Without a name it is meant only when the agent does nothing else."""
    if not contact and agent.state != AgentState.WRAP_UP:
        return ""
    wrap_ups = {offer: known for offer, known in agent.assignments.items() if known.state == AssignmentState.WRAP_UP}
    return next((offer for offer, known in wrap_ups.items() if contact in ("", known.contact)), "")


def _disposed_offer(agent: Agent, contact: str) -> str:
    """The offer of the contact that is named; else of the one that is talked to, else of the last; "" where that is not in hand."""
    states = (AssignmentState.CONNECTED, AssignmentState.WRAP_UP)
    fit = {offer: known for offer, known in agent.assignments.items() if known.state in states}
    if contact:
        return next((offer for offer, known in fit.items() if known.contact == contact), "")
    talking = (offer for offer, known in fit.items() if known.state == AssignmentState.CONNECTED)
    return next(talking, "") or next((offer for offer, known in fit.items() if known.contact == agent.last_contact), "")


def _dispositions(board: BoardState, queue: str) -> str:
    policy = board.directory.queues.get(queue)
    return ", ".join(f"{code} = {meaning}" for code, meaning in policy.dispositions.items()) if policy and policy.dispositions else "none"


ACTIONS: Mapping[str, Callable[[BoardState, Agent, AgentAsked, int], None]] = {
    "end_wrap_up": end,
    "extend_wrap_up": extend,
    "dispose": dispose,
}
