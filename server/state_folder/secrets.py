"""The secrets of one site: made once at the first start, kept in `secrets.json` of the state folder, readable by its owner alone."""

import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

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
    """The secrets, with a password for each of `accounts`; what is missing is made and written. Nothing has a default value."""
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
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(now), file, indent=2)
        file.write("\n")
    fresh.replace(path)
