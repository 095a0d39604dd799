"""Agents that are reported again: what a server remembers of one after Redis lost its data, and what a new router finds in a record."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from routing.board import agents, assignments
from routing.board.state import BoardState
from routing.domain.agent import Agent, take_work, work_of
from routing.domain.agent_state import AgentPresence, AgentState
from routing.domain.assignment import IN_CALL, Assignment, AssignmentState
from routing.domain.events.agents import AgentPhoneChanged
from routing.domain.messages import AgentReported


def resume(board: BoardState, agent: Agent, now_ms: int) -> None:
    """Take an agent from the record, after a change of router."""
    for offer, assignment in list(agent.assignments.items()):
        if assignment.state == AssignmentState.CONNECTED and assignment.contact not in board.contacts:
            assignments.contact_ended(board, agent, offer, now_ms)  # a record was lost: nobody would report the end of it
    for assignment in agent.assignments.values():
        if assignment.state == AssignmentState.DIALLING:
            board.schedule(assignment.until_ms, "dialling", assignment.contact)
        elif assignment.until_ms:
            board.schedule(assignment.until_ms, "wrap_up" if assignment.state == AssignmentState.WRAP_UP else "reservation", agent.id)
    if agent.state == AgentState.PAUSED and agent.presence_until_ms > now_ms:
        board.schedule(agent.presence_until_ms, "break", agent.id)


def reported(board: BoardState, message: AgentReported, now_ms: int) -> None:
    """What a server remembers of an agent, for an agent of whom nothing is known but, perhaps, a talk that was found before. A talk that
    went with the data is over by now; a wrap-up, a pause and a wish go on."""
    agent = board.agents.get(message.agent)
    in_talk = agent is not None and agent.state == AgentState.ON_CONTACT and not agent.idle_since_ms
    unknown = agent is not None and agent.state == AgentState.LOGGED_OUT and not agent.presence_since_ms
    if not agent or not (in_talk or unknown) or message.state == AgentState.LOGGED_OUT:
        return
    take_work(agent, message.work.over(work_of(agent)))
    agent.idle_since_ms = agent.idle_since_ms or message.since_ms
    agent.left_queues = list(message.left_queues)
    if message.phone:
        agents.sit_down(board, agent, message.phone, now_ms)
    board.touch_agent(agent.id)
    _take_wrap_ups(board, agent, message)
    if unknown:
        _goes_on(agent, message, now_ms)
        agents.write(board, agent, agents.EVENTS_OF[agent.state], now_ms, before=AgentState.LOGGED_OUT)
    else:
        if message.state == AgentState.ON_CONTACT:
            agent.reason = message.reason  # of the wish
        agents.write(board, agent, AgentPhoneChanged, now_ms)
    resume(board, agent, now_ms)
    board.seek_contact(agent, now_ms)


def _take_wrap_ups(board: BoardState, agent: Agent, message: AgentReported) -> None:
    """The wrap-ups that the server remembers, and the disposition of a talk that goes on."""
    for offer, known in agent.assignments.items():
        if known.contact == agent.last_contact:
            agent.assignments[offer] = replace(known, disposition=agent.disposition)
    wrap_ups = dict(message.assignments)
    if message.state == AgentState.WRAP_UP and not wrap_ups:  # reported by a version that knew of one contact at a time
        wrap_ups[f"left-{agent.last_contact}"] = Assignment(
            agent.last_contact,
            message.queue,
            state=AssignmentState.WRAP_UP,
            since_ms=message.since_ms,
            until_ms=message.until_ms,
            disposition=agent.disposition,
        )
    for offer, assignment in wrap_ups.items():
        if assignment.state not in IN_CALL and assignment.queue in board.directory.queues:
            agent.assignments.setdefault(offer, assignment)


def _goes_on(agent: Agent, message: AgentReported, now_ms: int) -> None:
    """The agent is as remembered; a talk or a ring that nobody knows of any more is over, and with it what was wished for is granted."""
    agent.presence_since_ms, agent.occupied_at_ms = message.since_ms, agent.occupied_at_ms or now_ms
    agent.presence, agent.reason, agent.presence_until_ms = AgentPresence.READY, "", 0
    if agent.assignments:
        agent.reason = message.reason
    elif message.state == AgentState.PAUSED or agent.requested == "paused":
        agent.presence, agent.reason, agent.presence_until_ms = AgentPresence.PAUSED, message.reason, message.until_ms
        agent.requested = ""
    elif agent.requested == "logged_out":
        agent.presence, agent.requested = AgentPresence.LOGGED_OUT, ""


HANDLERS: dict[type, Callable[[BoardState, Any, int], None]] = {AgentReported: reported}
