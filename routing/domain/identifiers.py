"""Where ids come from: short, unique over all servers and restarts, with their kind in front."""

import re
import secrets
from itertools import count


class Ids:
    """`contact-k3v9q2x7a1`: a random part chosen at start (60 bits), then a counter; both in base 32."""

    def __init__(self, origin: str = "") -> None:
        self._origin = origin or "".join(secrets.choice(_SIGNS) for _ in range(12))
        self._count = count(1)
        self._begin = self._origin  # of all but the last two signs, which are the only ones that change for a while

    def new(self, kind: str) -> str:
        number = next(self._count)
        if number < 1024:
            return f"{kind}-{self._origin}{_base32(number)}"
        last = number & 1023
        if not last:
            self._begin = self._origin + _base32(number >> 10)
        return f"{kind}-{self._begin}{_PAIRS[last]}"


def asterisk_of(call: str) -> str:
    """The name of the Asterisk that has a call, which stands in the call's id: `call-NAME-1700000000.5`; "" where it has none."""
    found = _CALL.fullmatch(call)
    return found[1] if found else ""


_CALL = re.compile(r"call-(.+)-\d+\.\d+")
_SIGNS = "0123456789abcdefghjkmnpqrstvwxyz"  # no i, l, o, u: ids are read out on the telephone
_PAIRS = [first + second for first in _SIGNS for second in _SIGNS]


def _base32(number: int) -> str:
    text = ""
    while number:
        number, rest = divmod(number, 32)
        text = _SIGNS[rest] + text
    return text
