"""The secrets of one site: made once at the first start, kept in `secrets.json` of the state folder, readable by its owner alone."""

import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from server.disk import write_whole

ROLES = ("viewer", "agent", "supervisor", "admin")


class SecretsError(Exception):
    """secrets.json cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """`ami`: password of our AMI user; `sip`: account -> password; `tokens`: role -> bearer token."""

    ami: str
    sip: dict[str, str]
    tokens: dict[str, str]


def secrets_for(state: Path, accounts: Iterable[str]) -> Secrets:
    """The secrets, with a password for each of `accounts`; what is missing is made and written. Nothing has a default value.

    Raises SecretsError, and OSError where they cannot be written.
    """
    path = state / "secrets.json"
    before = _read(path)
    kept = before or Secrets(ami="", sip={}, tokens={})
    now = Secrets(
        ami=kept.ami or secrets.token_urlsafe(24),
        sip={**kept.sip, **{name: secrets.token_urlsafe(12) for name in accounts if name not in kept.sip}},
        tokens={role: kept.tokens.get(role) or secrets.token_urlsafe(24) for role in ROLES},
    )
    if now != before:
        _write(path, now)
    return now


def _read(path: Path) -> Secrets | None:
    if not path.is_file():
        return None
    try:
        facts = json.loads(path.read_text())
        read = Secrets(ami=str(facts["ami"]), sip=dict(facts["sip"]), tokens=dict(facts["tokens"]))
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise SecretsError(f"{path} cannot be read ({error}): restore it, or remove it to have all secrets made anew.") from None
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return read


def _write(path: Path, now: Secrets) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(asdict(now), indent=2) + "\n")
