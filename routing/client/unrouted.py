"""Who waits while nothing is routed, because the store is away or takes no writes. Pure: whoever looks once a second learns who has
waited so for too long, and should hear something else than music."""

from collections.abc import Iterable

PATIENCE_LOOKS = 30  # with a look a second: a store that is started again is back long before


class Unrouted:
    """Counts the looks in which each contact waited and nobody could be found for it."""

    def __init__(self) -> None:
        self._looks: dict[str, int] = {}

    def look(self, waiting: Iterable[str]) -> list[str]:
        """`waiting` are those for whom nobody can be found now: none while routing goes on. Gives those who wait so for too long."""
        self._looks = {contact: self._looks.get(contact, 0) + 1 for contact in waiting}
        return [contact for contact, looks in self._looks.items() if looks > PATIENCE_LOOKS]
