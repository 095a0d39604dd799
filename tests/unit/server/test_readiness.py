"""What /readyz means to whoever starts a server."""

from typing import Any

import pytest

from server.readiness import is_up

pytestmark = pytest.mark.unit

READY, NOT = {"ready": True, "message": ""}, {"ready": False, "message": "why"}


@pytest.mark.parametrize(
    ("said", "up"),
    [
        ({"components": {"redis": READY, "calls": READY}}, True),
        ({"components": {"redis": READY, "calls": READY, "asterisk": NOT}}, True),
        ({"components": {"redis": NOT, "calls": READY, "asterisk": READY}}, False),
        ({"components": {}}, False),
        ({}, False),
        ([], False),
        (None, False),
    ],
)
def test_a_server_is_up_whatever_somebody_elses_asterisk_lacks(said: Any, up: bool) -> None:
    """A new start would not mend that; anything else is waited for."""
    assert is_up(said) is up
