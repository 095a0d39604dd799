"""What an answer of `/readyz` means to whoever starts a server."""

from typing import Any

REDIS, ASTERISK = "redis", "asterisk"  # components: Redis, and what somebody else's Asterisk lacks


def is_up(said: Any) -> bool:
    """Whether the server serves. What others have to mend (`elsewhere`) it tells meanwhile: nothing is gained by a new start."""
    components = said.get("components", {}) if isinstance(said, dict) else {}
    return bool(components) and all(part["ready"] or part.get("elsewhere", name == ASTERISK) for name, part in components.items())


def why_not_ready(said: Any, component: str) -> str:
    """What an answer says of a component that is not ready; "" for one that is."""
    part = said.get("components", {}).get(component, {}) if isinstance(said, dict) else {}
    return "" if part.get("ready", True) else str(part.get("message", ""))
