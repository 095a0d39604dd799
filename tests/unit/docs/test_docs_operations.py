"""What the docs promise a service manager is what the program needs."""

import re
from pathlib import Path

import pytest

from server.processes import child_process, node_process, site_calls, supervisor
from server.settings.files import LimitsFile

pytestmark = pytest.mark.unit

TEXT = (Path(__file__).resolve().parents[3] / "docs/operations.md").read_text(encoding="utf-8")


def test_a_stop_is_over_before_systemd_gives_up() -> None:
    """Draining, the last words, and the ends of Asterisk and Redis, each as long as it may take."""
    beyond_s = node_process.STOP_S + supervisor.FAREWELL_S + 2 * child_process.STOP_S + site_calls.CONNECT_S
    said = re.search(r"within\s+`limits\.drain`\s+and\s+(\d+)\s+s;", TEXT)
    unit = re.search(r"(?m)^TimeoutStopSec=(\d+)$", TEXT)
    assert said is not None
    assert unit is not None
    assert beyond_s <= int(said[1])
    assert LimitsFile().drain / 1000 + int(said[1]) < int(unit[1])


def test_the_service_leaves_what_is_to_be_adopted_alone() -> None:
    """systemd would end the children with the process that is killed, and the service with a child that ran out of memory."""
    assert {"KillMode=process", "OOMPolicy=continue"} <= set(TEXT.splitlines())
