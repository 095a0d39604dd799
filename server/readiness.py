"""What an answer of `/readyz` means to whoever starts a server."""

from typing import Any

ASTERISK = "asterisk"  # the component that says what somebody else's Asterisk lacks


def is_up(said: Any) -> bool:
    """Whether the server serves. What is missing at somebody else's Asterisk is told and mended there: nothing is gained by a new start."""
    components = said.get("components", {}) if isinstance(said, dict) else {}
    return bool(components) and all(part["ready"] for name, part in components.items() if name != ASTERISK)
