"""Records of agents as the version before wrote them, which knew of one contact at a time."""

from typing import Any

from routing.domain.contact_facts import VOICE

IN_HAND = {"reserved": "offered", "on_contact": "connected", "wrap_up": "wrap_up"}
GONE = ("state", "since_ms", "until_ms", "contact", "queue", "offer")


def agent_of_before(found: dict[str, Any]) -> dict[str, Any]:
    """The fields as this version has them; those of this version as they are."""
    if "presence" in found or "state" not in found:
        return found
    state, since_ms, until_ms = found["state"], found.get("since_ms", 0), found.get("until_ms", 0)
    in_hand = IN_HAND.get(state)
    taken = {name: value for name, value in found.items() if name not in GONE}
    taken |= {"presence": "ready" if in_hand else state, "presence_since_ms": since_ms}
    if not in_hand:
        return taken | {"presence_until_ms": until_ms}
    contact = found.get("contact") or found.get("last_contact", "")
    assignment = {"contact": contact, "queue": found.get("queue", ""), "kind": VOICE, "state": in_hand, "since_ms": since_ms}
    given = found.get("disposition", "") if contact == found.get("last_contact") else ""
    more = {"until_ms": until_ms if in_hand != "connected" else 0, "disposition": given}
    return taken | {"assignments": {found.get("offer") or f"left-{contact}": assignment | more}}
