"""Ports claimed from the moment in which they are chosen to the end of this process, against every other Hotline of this machine.

A port that is free now is bound a second later, or is let go for a moment while a part is started again: whoever chooses ports in between
would take it too. A claim is a name in the abstract space of unix sockets: it belongs to the network namespace, as ports do, is the same
for all users, needs no file, and ends with the process that has it.
"""

import socket
from collections.abc import Collection

from server.state_folder.ports import PortError

OF_ASTERISK = ("sip", "ami", "asterisk_http", "rtp_first")  # the kinds of ports that Asterisk listens on
_UDP = ("sip", "rtp_first")
_PROBED_RTP = 20  # ports at the start of a range that are tried: another Asterisk of ours takes a range at a time


class PortClaims:
    """Fits `Claims`. A port counts as free when no other Hotline claims it and it could be bound on loopback now.

    Processes of ours have `bound` those of some kinds (fields of Ports) already; the `foreign` kinds are of somebody else's Asterisk.
    """

    def __init__(self) -> None:
        self.bound: Collection[str] = ()
        self.foreign: Collection[str] = ()
        self._held: dict[str, socket.socket] = {}

    def take(self, kind: str, port: int) -> bool:
        """Whether a port of that kind (a field of Ports) is ours now, or was already; False when somebody has it."""
        name = _name(kind, port)
        if name in self._held or kind in self.foreign:
            return True
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(name)
        except OSError:
            claim.close()
            return kind in self.bound  # somebody tries it in this moment, in vain: a process of ours listens there
        self._held[name] = claim
        return kind in self.bound or _is_free(kind, port) or self.give_back(kind, port)

    def give_back(self, kind: str, port: int) -> bool:
        """Let it go; harmless when it is not ours. Always False: it is ours no more."""
        claim = self._held.pop(_name(kind, port), None)
        if claim:
            claim.close()
        return False

    def release(self) -> None:
        """Let all of them go."""
        for claim in self._held.values():
            claim.close()
        self._held.clear()


def claims_of_servers() -> PortClaims:
    """Where Asterisk is somebody else's: only what our servers listen on has to be free."""
    claims = PortClaims()
    claims.foreign = OF_ASTERISK
    return claims


def must_be_own_address(listen: str) -> None:
    """Raises PortError when nothing on this machine can listen on that address."""
    if not _bindable(socket.SOCK_DGRAM, listen, 0):
        raise PortError(f"{listen} is not an address of this machine: choose 127.0.0.1 or one of its own with --listen.")


def _is_free(kind: str, port: int) -> bool:
    numbers = range(port, port + _PROBED_RTP) if kind == "rtp_first" else (port,)
    return all(_bindable(_transport(kind), "127.0.0.1", number) for number in numbers)


def _transport(kind: str) -> socket.SocketKind:
    return socket.SOCK_DGRAM if kind in _UDP else socket.SOCK_STREAM


def _name(kind: str, port: int) -> str:
    return f"\0hotline-{'udp' if kind in _UDP else 'tcp'}-{port}"


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
