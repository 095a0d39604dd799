"""The read model: what the event log says is so, kept on every server, for HTTP, metrics and announcements. It decides nothing.

`start` takes the records of a snapshot, `apply` each event behind it. An event about something unknown is ignored, so that a view that
starts in the middle of the log becomes right by itself.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from routing.domain.agent import Agent
from routing.domain.contact_state import QUEUED
from routing.domain.current_directory import CurrentDirectory
from routing.domain.events.envelope import Event
from routing.domain.members import serves
from routing.domain.model import Contact, WaitForecast
from routing.domain.service_level import FORMULAS, WINDOW_MS, Departures, Formula, Tally
from routing.domain.totals import Totals, counted
from routing.read_model.earlier_log import EarlierLog, depart
from routing.read_model.records import LOST_CALLS, Records
from routing.read_model.wait_forecast import WaitForecasts

ANY_AGENT = ((0, ""),)  # the requirement steps of who takes any agent


class View(Records):
    """Contacts, agents and queues as of the last event."""

    def __init__(self, current: CurrentDirectory) -> None:
        super().__init__(current)
        self.totals: Totals = {}
        self._departures = {queue: Departures() for queue in self.directory.queues}
        self._wait_forecasts = WaitForecasts(current)
        self.start((), ())
        current.on_change(self._redefined)

    def start(
        self,
        contacts: Iterable[Contact],
        agents: Iterable[Agent],
        calls: Iterable[Event] = (),
        places: Iterable[Event] = (),
        totals: Totals | None = None,
    ) -> None:
        """Begin from these records: `routing.store.port.Snapshot` says what each is."""
        self.totals = {queue: dict((totals or {}).get(queue, {})) for queue in self.directory.queues}
        self.begin(contacts, agents, calls, places)
        self._wait_forecasts.start(self.contacts, self.agents)

    def _redefined(self) -> None:
        """Follow another directory; figures of a queue that is gone are kept."""
        for queue in self.directory.queues:
            self.totals.setdefault(queue, {})
            self._departures.setdefault(queue, Departures())
        self.redefine()
        self._wait_forecasts.redefine(self.contacts, self.agents)

    def apply(self, event: Event) -> None:
        """Take one event."""
        self.take(event)
        depart(self._departures, event)
        for queue, what in counted(event):
            if queue in self.totals:
                self.totals[queue][what] = self.totals[queue].get(what, 0) + 1
        self._wait_forecasts.apply(event)

    def remember(self, earlier_log: EarlierLog) -> None:
        """Take over what was learned of the time before the first `start`."""
        self.make_up_for(earlier_log)
        self._wait_forecasts.remember(earlier_log.measures)

    def make_up_for(self, skipped: EarlierLog) -> None:
        """Count what was skipped at a later `start`: who left, and calls that were lost. Means go on without it."""
        for queue, departures in skipped.departures.items():
            self._departures[queue].take_in(departures)
        self.lost_calls = deque(sorted([*skipped.lost_calls, *self.lost_calls], key=lambda event: event.at_ms), maxlen=LOST_CALLS)

    def position(self, contact: str) -> int:
        """The place of a waiting contact in its queue, from 1; 0 when it does not wait."""
        found = self.contacts.get(contact)
        if not found or found.state not in QUEUED:
            return 0
        return bisect_left(self._waiting[found.queue], (found.order_ms, found.id)) + 1

    def wait_forecast(self, contact: str, now_ms: int) -> WaitForecast:
        """What may be announced to a waiting contact: its place among those who compete for the same agents, and the wait still to
        expect."""
        found = self.contacts.get(contact)
        return self._wait_forecasts.wait_forecast(found, now_ms) if found else WaitForecast()

    def expected_wait_ms(
        self, queue: str, steps: Sequence[tuple[int, str]], now_ms: int, priority: int = 0, *, asterisk: str | None = None
    ) -> int | None:
        """The wait to expect for somebody who would join now, wanting `steps`; None when unknown. `priority`: seconds, the queue's too.

        Only agents count whose phones that Asterisk can ring; all agents without one.
        """
        return self._wait_forecasts.expected_wait_ms(queue, list(steps), now_ms, priority, asterisk=asterisk)

    def waiting(self, queue: str) -> list[Contact]:
        """Who waits in a queue (an agent's phone may be ringing for them), in order."""
        return [self.contacts[id] for _, id in self._waiting[queue]]

    def members(self, queue: str) -> list[Agent]:
        """The agents of a queue."""
        return [self.agents[profile.id] for profile in self.directory.agents.values() if serves(self.agents[profile.id], profile, queue)]

    def service_level(self, queue: str, now_ms: int) -> float | None:
        """Percent by the queue's formula, of those who left it in the last half hour; None when there is nothing to measure."""
        return FORMULAS[self.directory.queues[queue].formula].percent(self.tally(queue, now_ms))

    def service_levels(self, queue: str, now_ms: int) -> dict[Formula, float | None]:
        """The same by every formula."""
        tally = self.tally(queue, now_ms)
        return {name: share.percent(tally) for name, share in FORMULAS.items()}

    def tally(self, queue: str, now_ms: int) -> Tally:
        """How those left a queue who left it in the last half hour."""
        policy = self.directory.queues[queue]
        return self._departures[queue].tally(now_ms - WINDOW_MS, policy.threshold_ms, policy.short_abandon_ms)

    def calls_with_contacts(self) -> Iterator[tuple[Event, Contact | None]]:
        """Every open call of every server: its last event, and the contact that it makes now."""
        contacts = {contact.facts.call: contact for contact in self.contacts.values()}
        return ((event, contacts.get(call)) for call, event in self.calls.items())
