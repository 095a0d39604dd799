"""Metrics for Prometheus, in a registry of their own. Gauges and totals are read from the read model when somebody asks; histograms are fed
by events as they happen. Nothing is done per waiting caller in between.

Every server follows the event log of its domain, so the metrics of queues are the same on each, but for the histograms, which begin
with the server: take one server's, do not add them up. Those of calls, AGI, AMI and router are of the server that answers.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, get_args

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from routing.domain.agent_state import AgentState
from routing.domain.events.calls import OutboundHalfUsed, OutboundRefused
from routing.domain.events.contacts import ContactConnected, ContactEnded
from routing.domain.events.envelope import Event
from routing.domain.events.servers import GapInLog
from routing.domain.model import PauseKind
from routing.ports import Clock
from routing.read_model.view import ANY_AGENT, View
from routing.store.port import LogState
from server.version import VERSION

WAIT_BUCKETS_S = (1, 5, 10, 20, 30, 60, 120, 300, 600, 1800)
JOINED = ("queued", "moved_here")  # of the totals that the store counts
OFFER = "offer_"
TALK_BUCKETS_S = (10, 30, 60, 120, 180, 300, 600, 1200, 3600)


class AgiFacts(Protocol):
    """The FastAGI server's."""

    rejected: Counter[str]

    @property
    def sessions(self) -> int: ...


class AmiFacts(Protocol):
    """The AMI client's."""

    @property
    def connected(self) -> bool: ...


class RouterFacts(Protocol):
    """The router's of this server."""

    is_leader: bool
    decisions: int
    commits: int


class PartFacts(Protocol):
    """The parts of this server that run for ever."""

    restarted: Counter[str]


class DroppedFacts(Protocol):
    """What could not wait for the store any longer, by kind."""

    @property
    def dropped(self) -> Counter[str]: ...


class RedisFacts(Protocol):
    """Why Redis does not take what this server writes; "" while it does."""

    @property
    def held_up(self) -> str: ...


class LogFacts(Protocol):
    """The event log; None while it is not known."""

    state: LogState | None


class CallFacts(Protocol):
    """The live calls of this server."""

    def __len__(self) -> int: ...


class PreflightFacts(Protocol):
    """What the Asterisk that a site is attached to lacks."""

    def counts(self) -> Iterable[tuple[tuple[str, str], int]]:
        """((about, yes or no for dangerous), how many)."""


class Metrics:
    """`on_event` for every event of the log, `render` for every scrape."""

    def __init__(
        self,
        view: View,
        clock: Clock,
        *,
        agi: AgiFacts,
        ami: AmiFacts,
        router: RouterFacts,
        calls: CallFacts,
        parts: PartFacts,
        redis: RedisFacts,
        routing_client: DroppedFacts,
        events: DroppedFacts,
        log: LogFacts,
        preflight: PreflightFacts | None = None,
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._view = view
        self._clock = clock
        self._agi, self._ami, self._router, self._calls, self._preflight = agi, ami, router, calls, preflight
        self._parts, self._redis = parts, redis
        self._routing_client, self._events, self._log = routing_client, events, log
        self._gaps = Counter[str]()  # durable reader, or "server" for the view of one -> gaps
        self._outbound_refused, self._outbound_half_used = Counter[str](), Counter[str]()
        self._queues: set[str] = set()  # those that the site has or had: what happens in one that is gone counts still
        self._registry = CollectorRegistry()
        self._wait = self._histogram("hotline_wait_seconds", "From joining the queue to the agent's answer", WAIT_BUCKETS_S)
        self._talk = self._histogram("hotline_talk_seconds", "From the agent's answer to the end of the talk", TALK_BUCKETS_S)
        ProcessCollector(registry=self._registry)
        self._registry.register(self)
        self._redefined()
        view.current.on_change(self._redefined)

    def _histogram(self, name: str, text: str, buckets: Sequence[float]) -> Histogram:
        return Histogram(name, text, ["queue"], buckets=buckets, registry=self._registry)

    def _redefined(self) -> None:
        """Follow the site's queues: the histograms of each are there with 0 before the first call."""
        for queue in self._view.directory.queues:
            self._queues.add(queue)
            self._wait.labels(queue)
            self._talk.labels(queue)

    def on_event(self, event: Event) -> None:
        """Put its times into the histograms, when it has some."""
        match event.data:
            case GapInLog(reader=reader):
                self._gaps[reader or "server"] += 1
            case OutboundRefused(reason=reason):
                self._outbound_refused[reason] += 1
            case OutboundHalfUsed(limit=limit):
                self._outbound_half_used[limit] += 1
        if event.queue not in self._queues:
            return
        match event.data:
            case ContactConnected(waited_ms=waited_ms):
                self._wait.labels(event.queue).observe(waited_ms / 1000)
            case ContactEnded(talk_ms=talk_ms):
                self._talk.labels(event.queue).observe(talk_ms / 1000)

    def add(self, collector: Collector) -> None:
        """What another part has to tell at each scrape."""
        self._registry.register(collector)

    def render(self) -> bytes:
        """The exposition text, format 0.0.4."""
        return generate_latest(self._registry)

    # -- the scrape ----------------------------------------------------------------------------------------------------

    def collect(self) -> Iterator[Metric]:
        """What prometheus_client asks for at each scrape."""
        yield from self._queue_gauges()
        yield from self._totals()
        yield _gauge("hotline_live_calls", "Open calls of this server", len(self._calls))
        yield _gauge("hotline_agi_sessions", "FastAGI sessions of this server", self._agi.sessions)
        rejected = (((reason,), n) for reason, n in self._agi.rejected.items())
        yield _counter("hotline_agi_rejected", "FastAGI connections that came to nothing", ("reason",), rejected)
        yield _gauge("hotline_ami_connected", "1 while the connection to Asterisk's manager interface is up", self._ami.connected)
        if self._preflight:
            yield self._asterisk_gaps(self._preflight)
        yield _gauge("hotline_router_leader", "1 while this server routes for the domain", self._router.is_leader)
        yield _counter("hotline_decisions", "Offers decided on by this server's router", (), [((), self._router.decisions)])
        yield _counter("hotline_commits", "Commits written by this server's router", (), [((), self._router.commits)])
        yield _gauge("hotline_store_takes_writes", "0 while Redis is away or refuses to write", not self._redis.held_up)
        yield from self._log_metrics()
        refused = (((reason,), n) for reason, n in self._outbound_refused.items())
        yield _counter("hotline_outbound_refused", "Calls to the outside that were not made, against toll fraud", ("reason",), refused)
        half = (((limit,), n) for limit, n in self._outbound_half_used.items())
        yield _counter("hotline_outbound_half_used", "How often half of a limit of calls to the outside was reached", ("limit",), half)
        restarted = (((part,), n) for part, n in self._parts.restarted.items())
        yield _counter("hotline_parts_restarted", "Parts of this server that ended by themselves, a defect", ("part",), restarted)
        info = GaugeMetricFamily("hotline_info", "Always 1; the label has the version", labels=("version",))
        info.add_metric((VERSION,), 1)
        yield info

    def _log_metrics(self) -> Iterator[Metric]:
        for name, facts, what in (("events", self._events, "Events"), ("messages", self._routing_client, "Messages to the router")):
            text = f"{what} that this server dropped because Redis was away for too long"
            yield _counter(f"hotline_{name}_dropped", text, ("type",), (((type,), n) for type, n in facts.dropped.items()))
        gaps = (((reader,), n) for reader, n in self._gaps.items())
        yield _counter("hotline_log_gaps", "Times that events were dropped from the log before they were read", ("reader",), gaps)
        if (state := self._log.state) is None:
            return
        yield _gauge("hotline_log_events", "Events in the log", state.events)
        yield _gauge("hotline_log_bytes", "What they take in Redis, about", state.bytes)
        lag = GaugeMetricFamily(
            "hotline_log_reader_lag_seconds", "Since when events wait for a durable reader, 0 without any", labels=("reader",)
        )
        for reader in state.readers:
            lag.add_metric((reader.name,), max(0, self._clock.now_ms() - reader.since_ms) / 1000 if reader.since_ms else 0.0)
        yield lag

    def _asterisk_gaps(self, preflight: PreflightFacts) -> Metric:
        text = "What the Asterisk that this site is attached to lacks"
        family = GaugeMetricFamily("hotline_asterisk_gaps", text, labels=("about", "dangerous"))
        for labels, count in preflight.counts():
            family.add_metric(labels, count)
        return family

    def _totals(self) -> Iterator[Metric]:
        """What the store counts: the same at every server."""
        queued, left, offers = Counter[tuple[str, ...]](), Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
        for queue, counts in self._view.totals.items():
            for what, n in counts.items():
                if what in JOINED:
                    queued[queue,] += n
                elif what.startswith(OFFER):
                    offers[queue, what.removeprefix(OFFER)] += n
                elif what != "ended":
                    left[queue, what] += n
            if "answered" in counts:
                offers[queue, "answered"] += counts["answered"]
        yield _counter("hotline_queued", "Callers who joined a queue, or were moved into it", ("queue",), queued.items())
        yield _counter("hotline_left", "Callers who left a queue, answered or otherwise", ("queue", "outcome"), left.items())
        yield _counter("hotline_offers", "Offers that are over", ("queue", "outcome"), offers.items())

    def _queue_gauges(self) -> Iterator[Metric]:
        now_ms = self._clock.now_ms()
        waiting = GaugeMetricFamily("hotline_waiting", "Callers who wait in a queue", labels=("queue",))
        longest = GaugeMetricFamily("hotline_longest_wait_seconds", "How long the one who waits longest has waited", labels=("queue",))
        level = GaugeMetricFamily(
            "hotline_service_level_ratio",
            "The share that the queue's formula makes of those who left it in the last 30 min",
            labels=("queue", "formula"),
        )
        expected = GaugeMetricFamily(
            "hotline_expected_wait_seconds", "The wait to expect for somebody who joins now and takes any agent", labels=("queue",)
        )
        agents = GaugeMetricFamily(
            "hotline_agents", "Agents of a queue by state; each counts in all their queues", labels=("queue", "state")
        )
        paused = GaugeMetricFamily("hotline_agents_paused", "Paused agents of a queue: on a break, or not ready", labels=("queue", "pause"))
        for queue in self._view.directory.queues:
            line = self._view.waiting(queue)
            waiting.add_metric((queue,), len(line))
            since = min((contact.enqueued_at_ms for contact in line), default=now_ms)
            longest.add_metric((queue,), (now_ms - since) / 1000)
            percent = self._view.service_level(queue, now_ms)
            if percent is not None:
                level.add_metric((queue, self._view.directory.queues[queue].formula), percent / 100)
            expected_ms = self._view.expected_wait_ms(queue, ANY_AGENT, now_ms)
            if expected_ms is not None:
                expected.add_metric((queue,), expected_ms / 1000)
            members = self._view.members(queue)
            states = Counter(agent.state for agent in members)
            for state in AgentState:
                agents.add_metric((queue, state.value), states[state])
            kinds = Counter(self._view.directory.pause_kind(agent.reason) for agent in members if agent.state == AgentState.PAUSED)
            for kind in get_args(PauseKind):
                paused.add_metric((queue, kind), kinds[kind])
        yield from (waiting, longest, level, expected, agents, paused)


def _counter(name: str, text: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], int]]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for label_values, value in sorted(values):
        family.add_metric(label_values, value)
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))
