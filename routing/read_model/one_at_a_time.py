"""Events of agents as the version before wrote them, which knew of one contact at a time and of no presence."""

from routing.domain.agent import Agent
from routing.domain.agent_state import AgentPresence, AgentState
from routing.domain.assignment import Assignment, AssignmentState
from routing.domain.events.agents import AgentChanged
from routing.domain.events.envelope import Event

IN_HAND = {
    AgentState.RESERVED: AssignmentState.OFFERED,
    AgentState.ON_CONTACT: AssignmentState.CONNECTED,
    AgentState.WRAP_UP: AssignmentState.WRAP_UP,
}


def presence_before(state: AgentState) -> AgentPresence:
    """Whoever had a contact in hand was ready."""
    return AgentPresence.READY if state in IN_HAND else AgentPresence(state.value)


def in_hand_before(agent: Agent, event: Event, data: AgentChanged) -> dict[str, Assignment]:
    """What the agent has in hand after such an event: the contact that was offered last, as far as the state says."""
    state = IN_HAND.get(data.state)
    if state is None:
        return {}
    known = agent.foremost
    offer, contact, queue = (known[0], known[1].contact, known[1].queue) if known else (event.contact, event.contact, event.queue)
    return {offer: Assignment(contact, queue or event.queue, state=state, since_ms=data.since_ms, until_ms=data.until_ms)}
