"""What /readyz means to whoever starts a server."""

from typing import Any

import pytest

from server.readiness import is_up, why_not_ready

pytestmark = pytest.mark.unit

READY, NOT = {"ready": True, "message": ""}, {"ready": False, "message": "why"}


@pytest.mark.parametrize(
    ("said", "up"),
    [
        ({"components": {"redis": READY, "calls": READY}}, True),
        ({"components": {"redis": READY, "calls": READY, "asterisk": NOT}}, True),
        ({"components": {"redis": NOT, "calls": READY, "asterisk": READY}}, False),
        ({"components": {"redis": NOT | {"external": True}, "calls": READY}}, True),
        ({"components": {"redis": NOT | {"elsewhere": True}, "calls": NOT}}, False),
        ({"components": {}}, False),
        ({}, False),
        ([], False),
        (None, False),
    ],
)
def test_a_server_is_up_whatever_others_have_to_mend(said: Any, up: bool) -> None:
    """A new start would not mend that; anything else is waited for."""
    assert is_up(said) is up


def test_why_a_component_is_not_ready() -> None:
    """Its sentence; none for one that is ready, or that an answer does not tell of."""
    said = {"components": {"redis": NOT, "calls": READY}}
    assert [why_not_ready(said, name) for name in ("redis", "calls", "ami")] == ["why", "", ""]
    assert why_not_ready([], "redis") == ""
