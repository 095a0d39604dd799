"""What this server remembers for the case that Redis loses everything - who was logged in, in which state - and reports again then."""

from collections.abc import Callable
from dataclasses import replace

import structlog

from routing.client.routing_client import RoutingClient
from routing.domain.agent import Agent, work_of
from routing.domain.agent_state import AgentState
from routing.domain.assignment import AssignmentState
from routing.domain.contact_state import ContactState
from routing.domain.events.agents import AgentChanged, AgentRemoved
from routing.domain.events.calls import CallResumed
from routing.domain.events.contacts import ContactDisposed
from routing.domain.events.envelope import Event
from routing.domain.events.servers import DomainOpened
from routing.domain.messages import AgentReported
from routing.read_model.view import View
from server.calls.open_calls import Calls
from server.events.writer import EventLog

log = structlog.get_logger(__name__)


class Resync:
    """Follows the event log behind the view. `report_phones` reports the state of every phone."""

    def __init__(
        self, view: View, routing_client: RoutingClient, events: EventLog, calls: Calls, report_phones: Callable[[], None]
    ) -> None:
        self._view = view
        self._routing_client = routing_client
        self._events = events
        self._calls = calls
        self._report_phones = report_phones
        self._agents: dict[str, Agent] = {}

    def on_event(self, event: Event) -> None:
        """`domain_opened`: the router found nothing in Redis. What it lost is reported again; at a first start there is nothing to
        report."""
        match event.data:
            case DomainOpened():
                self._report_again()
            case AgentRemoved():
                self._agents.pop(event.agent, None)
            case AgentChanged() | ContactDisposed() if event.agent in self._view.agents:
                agent = self._view.agents[event.agent]
                self._agents[event.agent] = replace(agent, assignments=dict(agent.assignments))

    def _report_again(self) -> None:
        log.info("reported_again", contacts=len(self._routing_client.stays), agents=len(self._agents), calls=len(self._calls))
        self._report_phones()
        for agent in self._agents.values():
            if agent.state != AgentState.LOGGED_OUT:
                kept = AgentReported(agent.id, agent.state, agent.reason, agent.since_ms, agent.until_ms, agent.phone)
                wrap_ups = {offer: known for offer, known in agent.assignments.items() if known.state == AssignmentState.WRAP_UP}
                left = list(agent.left_queues)
                report = replace(kept, left_queues=left, queue=agent.queue, assignments=wrap_ups, work=work_of(agent))
                self._routing_client.post(report)
        self._routing_client.report_again()
        self._routing_client.report_ends(
            {contact.id for contact in self._view.contacts.values() if contact.state == ContactState.CONNECTED}
        )
        for call in self._calls:
            call.write(self._events, CallResumed, self._routing_client.server)
