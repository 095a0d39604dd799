"""The metric of banned addresses: read from the state folder at each scrape."""

from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from server.access.doorkeeper import read_bans


class BansMetric(Collector):
    """`up` writes the bans of this machine's Asterisk into `state`."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily("hotline_banned_addresses", "Addresses that are banned at the SIP port now")
        family.add_metric([], len(read_bans(self._state)))
        yield family
