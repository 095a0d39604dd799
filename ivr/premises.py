"""What a call finds at a site that nobody calls: for conversations and for `./hotline try`, which go as a real call would."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ivr.call import CallContext
from ivr.hours import Hours
from ivr.numbers import normalise


@dataclass(frozen=True, slots=True)
class Premises:
    """What the site says of hours, numbers, callers and queues.

    `caller_list` gives the list of a number, `may_dial` whether a number is ever dialled, `is_open` whether a queue is open at a time (ms).
    """

    hours: Mapping[str, Hours]
    time_zone: str = "Asia/Shanghai"
    currency: str = "CNY"
    country: str = "CN"
    language: str = ""
    caller_list: Callable[[str], str] = lambda number: ""
    may_dial: Callable[[str], bool] = lambda number: True
    is_open: Callable[[str, int], bool] = lambda queue, now_ms: True

    def call(self, id: str, ani: str, dnis: str, language: str = "", *, caller_list: str | None = None) -> CallContext:
        """A call as it arrives: the number as it is stored, the list that it is in, the site's first language unless another is given."""
        number = normalise(ani, self.country).text
        listed = self.caller_list(number) if caller_list is None else caller_list
        return CallContext(id, number, dnis, language or self.language, caller_list=listed)
