"""Ports for a test that starts something on them: no other test of this machine has one of them while this process runs.

They lie beside those that a site chooses for itself, and below those that the system gives to outgoing connections.
"""

import random
import socket

_FIRST, _LAST = 20_000, 32_000
_claims: list[socket.socket] = []  # names that end with this process, as in server.state_folder.port_claims


def free_port() -> int:
    """A port that nobody has, neither as TCP nor as UDP, on any address of this machine."""
    while True:
        port = random.randint(_FIRST, _LAST)
        if _is_free(port) and _claimed(port):
            return port


def _claimed(port: int) -> bool:
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0hotline-test-{port}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                return False
    return True
