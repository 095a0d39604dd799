"""How many connections HTTP keeps open: who only waits makes room for who comes, so that a crowd of slow ones keeps nobody out.

Pure: who must go is told, the listener closes it.
"""

import ipaddress
from collections import Counter
from typing import Generic, TypeVar

C = TypeVar("C")


class Crowd(Generic[C]):
    """At most `most` connections in all and `most_each` of one address that is not this machine's (a proxy runs there)."""

    def __init__(self, most: int, most_each: int) -> None:
        self.most = most
        self.most_each = most_each
        self._address: dict[C, str] = {}
        self._idle: dict[C, None] = {}  # those without a request, who waits longest first
        self._of_address: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._address)

    def enter(self, connection: C, address: str) -> C | None:
        """A new one, which has no request yet: who must go for it. That is the new one itself when all others are being answered."""
        self._address[connection] = address
        self._idle[connection] = None
        self._of_address[address] += 1
        if self._of_address[address] > self.most_each and not _is_of_this_machine(address):
            return next(found for found in self._idle if self._address[found] == address)
        return next(iter(self._idle)) if len(self) > self.most else None

    def begins(self, connection: C) -> None:
        """It has a request, and is not sent away until that is answered."""
        self._idle.pop(connection, None)

    def ends(self, connection: C) -> None:
        """Its request is answered."""
        if connection in self._address:
            self._idle[connection] = None

    def leave(self, connection: C) -> None:
        """It is gone; harmless for one that is not known."""
        address = self._address.pop(connection, None)
        self._idle.pop(connection, None)
        if address is not None:
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]


def _is_of_this_machine(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
