"""What Prometheus gets."""

from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from routing.domain.agent_state import AgentState
from routing.domain.current_directory import CurrentDirectory
from routing.domain.events.agents import AgentLoggedIn, AgentLoggedOut, PhoneStateChanged
from routing.domain.events.contacts import ContactAbandoned, ContactConnected, ContactEnded, ContactLeft
from routing.domain.events.envelope import Event, EventData, UnknownEvent
from routing.domain.events.flows import NodeEntered
from routing.domain.events.offers import OfferRangOut
from routing.domain.events.servers import GapInLog
from routing.domain.model import AgentProfile, Directory, QueuePolicy
from routing.domain.phone_address import phone_of
from routing.read_model.view import View
from routing.store.port import LogState, ReaderState
from server.metrics import Metrics
from tests.told import agent_changed, queued

pytestmark = pytest.mark.unit
NOW_MS = 1_790_000_000_000


class Parts:
    """Clock, AGI, AMI, router and calls of a server, all in one."""

    def __init__(self) -> None:
        self.rejected: Counter[str] = Counter({"garbage": 2})
        self.sessions = 3
        self.connected = True
        self.is_leader = True
        self.decisions = 7
        self.commits = 9
        self.restarted: Counter[str] = Counter({"desk": 1, "router": 0})
        self.held_up = ""
        self.dropped: Counter[str] = Counter()
        self.state: LogState | None = None

    def __len__(self) -> int:
        return 4

    def now_ms(self) -> int:
        return NOW_MS


class Server:
    """Metrics beside their read model, both fed by `tell`."""

    def __init__(self) -> None:
        directory = Directory(
            {"billing": QueuePolicy("billing")}, {"wang": AgentProfile("wang", "Wang", phone_of("1001"), {}, ("billing",))}
        )
        self.view = View(CurrentDirectory(directory))
        self.parts = Parts()
        part = self.parts
        self.metrics = Metrics(
            self.view, part, agi=part, ami=part, router=part, calls=part, parts=part, redis=part, routing_client=part, events=part, log=part
        )

    def write(self, data: EventData, at_ms: int = NOW_MS, *, contact: str = "", agent: str = "", queue: str = "billing") -> None:
        event = Event("e", at_ms, data, contact=contact, agent=agent, queue=queue)
        self.view.apply(event)
        self.metrics.on_event(event)

    def queued(self, contact: str, waited_ms: int) -> None:
        at_ms = NOW_MS - waited_ms
        self.write(queued(at_ms), at_ms, contact=contact)

    def scraped(self) -> dict[str, float]:
        """Sample -> value; labels as in the text: `name{queue=billing}`."""
        text = self.metrics.render().decode()
        found = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
                found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
        return found


def test_everything_is_there_before_the_first_call() -> None:
    """A fresh server shows each queue with zeros, so that nobody's alert waits for a first call."""
    found = Server().scraped()

    assert found["hotline_waiting{queue=billing}"] == 0
    assert found["hotline_longest_wait_seconds{queue=billing}"] == 0
    assert found["hotline_wait_seconds_count{queue=billing}"] == 0
    assert found["hotline_agents{queue=billing,state=logged_out}"] == 1
    assert not any(name.startswith("hotline_service_level_ratio") for name in found)
    assert "hotline_expected_wait_seconds{queue=billing}" not in found


def test_the_expected_wait_is_a_gauge() -> None:
    """0 while an agent is ready; nothing is shown while nobody is there."""
    server = Server()
    server.write(PhoneStateChanged("1001", "available"), agent="wang")
    server.write(agent_changed(AgentLoggedIn, AgentState.READY), agent="wang")
    assert server.scraped()["hotline_expected_wait_seconds{queue=billing}"] == 0
    server.write(agent_changed(AgentLoggedOut, AgentState.LOGGED_OUT, before=AgentState.READY), agent="wang")
    assert "hotline_expected_wait_seconds{queue=billing}" not in server.scraped()


def test_the_parts_of_this_server() -> None:
    """Calls, AGI, AMI and router are as they are when asked."""
    server = Server()
    server.parts.connected = False

    found = server.scraped()

    assert found["hotline_live_calls"] == 4
    assert found["hotline_agi_sessions"] == 3
    assert found["hotline_agi_rejected_total{reason=garbage}"] == 2
    assert (found["hotline_ami_connected"], found["hotline_router_leader"]) == (0, 1)
    assert (found["hotline_parts_restarted_total{part=desk}"], found["hotline_parts_restarted_total{part=router}"]) == (1, 0)
    assert found["hotline_store_takes_writes"] == 1
    server.parts.held_up = "the disk is full"
    assert server.scraped()["hotline_store_takes_writes"] == 0
    assert (found["hotline_decisions_total"], found["hotline_commits_total"]) == (7, 9)


def test_a_call_from_queue_to_end() -> None:
    """Waiting is a gauge, outcomes are totals, wait and talk are histograms in seconds."""
    server = Server()
    server.queued("c1", 30_000)
    server.queued("c2", 12_000)
    assert server.scraped()["hotline_waiting{queue=billing}"] == 2
    assert server.scraped()["hotline_longest_wait_seconds{queue=billing}"] == 30

    server.write(OfferRangOut("o1", 15_000), contact="c1", agent="wang")
    server.write(ContactConnected("o2", 30_000), contact="c1", agent="wang")
    server.write(ContactEnded("caller", waited_ms=30_000, ring_ms=900, talk_ms=95_000), contact="c1", agent="wang")
    server.write(ContactAbandoned(12_000), contact="c2")

    found = server.scraped()
    assert found["hotline_waiting{queue=billing}"] == 0
    assert found["hotline_queued_total{queue=billing}"] == 2
    assert found["hotline_left_total{outcome=answered,queue=billing}"] == 1
    assert found["hotline_left_total{outcome=abandoned,queue=billing}"] == 1
    assert found["hotline_offers_total{outcome=answered,queue=billing}"] == 1
    assert found["hotline_offers_total{outcome=rang_out,queue=billing}"] == 1
    assert (found["hotline_wait_seconds_sum{queue=billing}"], found["hotline_talk_seconds_sum{queue=billing}"]) == (30, 95)
    assert found["hotline_service_level_ratio{formula=offered,queue=billing}"] == 0


def test_events_of_others_count_nothing() -> None:
    """Events without a queue of ours, of flows or of a later version neither count nor break anything, and make no new labels."""
    server = Server()
    before = [name for name in server.scraped() if name.startswith("hotline_")]

    server.metrics.on_event(Event("e", NOW_MS, ContactLeft(0, "failed"), queue="nowhere"))
    server.metrics.on_event(Event("e", NOW_MS, NodeEntered("menu", "zh"), queue="billing"))
    server.metrics.on_event(Event("e", NOW_MS, UnknownEvent("offer_mused"), queue="billing"))

    assert [name for name in server.scraped() if name.startswith("hotline_")] == before


def test_the_event_log_and_its_readers() -> None:
    """How large it is, how long something has waited for each reader, and who lost something; nothing of it while Redis does not answer."""
    server = Server()
    assert not [name for name in server.scraped() if name.startswith("hotline_log_") and not name.startswith("hotline_log_gaps")]
    server.parts.state = LogState(1_200, 400_000, (ReaderState("record", "5-0", NOW_MS - 90_000), ReaderState("web", "7-0", 0)))
    server.write(GapInLog("record", "", "1-0", "2-0"))
    server.write(GapInLog("", "s1", "1-0", "2-0"))

    found = {name: value for name, value in server.scraped().items() if name.startswith("hotline_log_")}
    assert found == {
        "hotline_log_events": 1_200,
        "hotline_log_bytes": 400_000,
        "hotline_log_reader_lag_seconds{reader=record}": 90,
        "hotline_log_reader_lag_seconds{reader=web}": 0,
        "hotline_log_gaps_total{reader=record}": 1,
        "hotline_log_gaps_total{reader=server}": 1,
    }


def test_what_was_dropped_while_redis_was_away() -> None:
    """By type, events and messages apart."""
    server = Server()
    server.parts.dropped = Counter({"node_entered": 12})

    assert server.scraped()["hotline_events_dropped_total{type=node_entered}"] == 12
    assert server.scraped()["hotline_messages_dropped_total{type=node_entered}"] == 12
