"""The directory in force: one holder for everything that follows the site's definitions while they may change.

Whoever is handed a `CurrentDirectory` asks it at each use and keeps no directory. What is derived from one (an index, a row per queue) is
derived again by a listener. Nothing is awaited here, so between two events of the loop all see the same directory.
"""

from collections.abc import Callable

from routing.domain.model import Directory


class CurrentDirectory:
    """`directory` is the one in force."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._listeners: list[Callable[[], None]] = []

    @property
    def directory(self) -> Directory:
        """What the site defines now."""
        return self._directory

    def team_of(self, agent: str, at_ms: int) -> str:
        """As `Directory.team_of`."""
        return self._directory.team_of(agent, at_ms)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Have `listener` called behind each change."""
        self._listeners.append(listener)

    def replace(self, directory: Directory) -> None:
        """Another directory is in force from now on."""
        self._directory = directory
        for listener in self._listeners:
            listener()
