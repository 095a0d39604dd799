"""The ports of one state folder: the usual ones where they are free, others where another Hotline has them, the same at every start."""

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path

_RTP_PORTS = 5000
_STEP = 10  # how far apart the ports of two state folders are looked for
_PROBED_RTP = 20  # ports at the start of a range that are tried: another Asterisk of ours takes whole ranges


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
_UDP = ("sip", "rtp_first")
_WORDS = {"agi": "FastAGI", "sip": "SIP", "ami": "AMI", "http": "HTTP", "asterisk_http": "Asterisk's HTTP", "rtp_first": "RTP"}
Free = Callable[[str, int], bool]


def is_free(kind: str, port: int, listen: str = "127.0.0.1") -> bool:
    """Whether a port of that kind (a field of Ports) could be bound now, on loopback and on `listen`."""
    transport = socket.SOCK_DGRAM if kind in _UDP else socket.SOCK_STREAM
    numbers = range(port, port + _PROBED_RTP) if kind == "rtp_first" else (port,)
    return all(_bindable(transport, address, number) for number in numbers for address in {"127.0.0.1", listen})


def must_be_own_address(listen: str) -> None:
    """Raises PortError when nothing on this machine can listen on that address."""
    if not _bindable(socket.SOCK_DGRAM, listen, 0):
        raise PortError(f"{listen} is not an address of this machine: choose 127.0.0.1 or one of its own with --listen.")


def _bindable(transport: int, address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, transport) as probe:
            if transport == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError:
        return False
    return True


def is_free_for_servers(kind: str, port: int) -> bool:
    """The same where Asterisk is somebody else's: only what our servers listen on has to be free."""
    return kind not in _PER_NODE or is_free(kind, port)


def ports_for(state: Path, wanted: Mapping[str, int] | None = None, free: Free = is_free, *, nodes: int = 1) -> Ports:
    """The ports of this state folder. Recorded ones are kept; `wanted` (field of Ports -> port) rules. PortError when one is taken.

    With several `nodes` on this machine the ports behind `agi` and `http` are theirs.
    At the first start the usual ones are taken, each moved on to the next free one. Written to `state/ports.json`.
    """
    path = state / "ports.json"
    recorded = _read(path)
    free = partial(_all_free, free, nodes)
    ports = recorded or _first_choice(free, wanted or {})
    ports = replace(ports, **dict(wanted or {}))
    for name in (field.name for field in fields(Ports)):
        port = getattr(ports, name)
        if not free(name, port):
            raise PortError(
                f"port {port} ({_WORDS[name]}) is in use by another program: end that program (is this site already running?), "
                f"or choose another port in {path}, or start with another state folder (--state DIR)."
            )
    state.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(ports), indent=2) + "\n")
    return ports


def _all_free(free: Free, nodes: int, kind: str, port: int) -> bool:
    return all(free(kind, port + number) for number in range(nodes if kind in _PER_NODE else 1))


def read_ports(state: Path) -> Ports | None:
    """The recorded ports, without a look at whether they are free; None before the first start."""
    return _read(state / "ports.json")


def _first_choice(free: Free, wanted: Mapping[str, int]) -> Ports:
    chosen: dict[str, int] = {}
    for field in fields(Ports):
        step = _RTP_PORTS if field.name == "rtp_first" else _STEP
        usual = int(str(field.default))
        if field.name == "rtp_first":  # Asterisk takes ports of its range as calls come, so a range cannot be seen to be in use
            usual += _RTP_PORTS * ((chosen["sip"] - Ports().sip) // _STEP % 10)
        candidates = range(usual, min(usual + 400 * step, 65536 - _RTP_PORTS), step)
        found = next((port for port in candidates if port not in chosen.values() and free(field.name, port)), usual)
        chosen[field.name] = wanted.get(field.name, found)
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
