"""The ports of one state folder: the usual ones where they are free, others where another Hotline has them, the same at every start."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Protocol

from server.disk import write_whole

_RTP_PORTS = 5000
_STEP = 10  # how far apart the ports of two state folders are looked for


class PortError(Exception):
    """A port is taken or ports.json cannot be read; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    """TCP but for `sip` and the RTP range (`rtp_first` to `rtp_last`), which are UDP."""

    agi: int = 4573
    sip: int = 5060
    ami: int = 5038
    http: int = 8080
    asterisk_http: int = 8088
    rtp_first: int = 10000

    @property
    def rtp_last(self) -> int:
        return self.rtp_first + _RTP_PORTS - 1


_PER_NODE = ("agi", "http")
_WORDS = {"agi": "FastAGI", "sip": "SIP", "ami": "AMI", "http": "HTTP", "asterisk_http": "Asterisk's HTTP", "rtp_first": "RTP"}


class Claims(Protocol):
    """Ports that are ours from the moment in which they are chosen: another start in the same second is refused them."""

    def take(self, kind: str, port: int) -> bool:
        """Whether a port of that kind (a field of Ports) is ours now, or was already; False when somebody has it."""
        ...

    def give_back(self, kind: str, port: int) -> bool: ...


def ports_for(
    state: Path, claims: Claims, fixed: Mapping[str, int] | None = None, *, nodes: int = 1, reserved: Collection[int] = ()
) -> Ports:
    """The ports of this state folder. Recorded ones are kept; `fixed` (field of Ports -> port) goes first. PortError when one is taken.

    With several `nodes` on this machine the ports behind `agi` and `http` are theirs.
    At the first start the usual ones are taken, each moved on to the next free one; ports that are `reserved` for other sites only when
    there are no others. Written to `state/ports.json`; raises OSError where it cannot be.
    """
    path = state / "ports.json"
    fixed = fixed or {}
    ports = replace(_read(path) or _first_choice(claims, fixed, nodes, reserved), **fixed)
    for name in (field.name for field in fields(Ports)):
        port = getattr(ports, name)
        if not _take(claims, name, port, nodes):
            raise PortError(
                f"port {port} ({_WORDS[name]}) is in use by another program: end that program (is this site already running?), "
                f"or choose another port in {path}, or start with another state folder (--state DIR)."
            )
    state.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(asdict(ports), indent=2) + "\n")
    return ports


def _take(claims: Claims, kind: str, port: int, nodes: int) -> bool:
    """A port, with those of the other nodes behind it: all of them or none."""
    numbers = range(port, port + (nodes if kind in _PER_NODE else 1))
    for place, number in enumerate(numbers):
        if not claims.take(kind, number):
            for taken in numbers[:place]:
                claims.give_back(kind, taken)
            return False
    return True


def read_ports(state: Path) -> Ports | None:
    """The recorded ports, without a look at whether they are free; None before the first start."""
    return _read(state / "ports.json")


def _first_choice(claims: Claims, fixed: Mapping[str, int], nodes: int, reserved: Collection[int]) -> Ports:
    chosen: dict[str, int] = dict(fixed)
    for field in (field for field in fields(Ports) if field.name not in fixed):
        step = _RTP_PORTS if field.name == "rtp_first" else _STEP
        usual = int(str(field.default))
        if field.name == "rtp_first":  # Asterisk takes ports of its range as calls come, so a range cannot be seen to be in use
            usual += _RTP_PORTS * ((chosen["sip"] - Ports().sip) // _STEP % 10)
        candidates = range(usual, min(usual + 400 * step, 65536 - _RTP_PORTS), step)
        unreserved_first = sorted(candidates, key=lambda port: port in reserved)
        chosen[field.name] = next(
            (port for port in unreserved_first if port not in chosen.values() and _take(claims, field.name, port, nodes)), usual
        )
    return Ports(**chosen)


def _read(path: Path) -> Ports | None:
    if not path.is_file():
        return None
    try:
        facts = json.loads(path.read_text())
        return Ports(**{field.name: int(facts[field.name]) for field in fields(Ports)})
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise PortError(
            f"{path} cannot be read as a list of ports ({error}): correct it, or remove it to have the ports chosen anew."
        ) from None
