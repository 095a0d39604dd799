"""What an answer of `/readyz` means to whoever starts a server."""

from typing import Any

REDIS, ASTERISK = "redis", "asterisk"  # components: Redis, and what somebody else's Asterisk lacks


def is_up(said: Any) -> bool:
    """Whether the server serves. What others have to mend (`external`) is shown meanwhile: nothing is gained by a new start."""
    components = said.get("components", {}) if isinstance(said, dict) else {}
    return bool(components) and all(part["ready"] or _is_external(part, name) for name, part in components.items())


def _is_external(part: dict[str, Any], name: str) -> bool:
    """`elsewhere` is the name that version 0.1 gives it."""
    return bool(part.get("external", part.get("elsewhere", name == ASTERISK)))


def why_not_ready(said: Any, component: str) -> str:
    """What an answer says of a component that is not ready; "" for one that is."""
    part = said.get("components", {}).get(component, {}) if isinstance(said, dict) else {}
    return "" if part.get("ready", True) else str(part.get("message", ""))
