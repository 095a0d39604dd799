"""The site in force on this server: the one holder, whose directory routing reads. `Node.change_site` changes it."""

from collections.abc import Callable

from routing.domain.current_directory import CurrentDirectory
from server.settings import Site


class CurrentSite:
    """Called, it returns the site in force; `directory` has the directory of that site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._listeners: list[Callable[[], None]] = []
        self.directory = CurrentDirectory(site.directory)

    def __call__(self) -> Site:
        return self._site

    def on_change(self, listener: Callable[[], None]) -> None:
        """Have `listener` called in each change, before those who follow the directory."""
        self._listeners.append(listener)

    def replace(self, site: Site) -> None:
        """Another site is in force from now on; calls that are under way keep the flows that they began with."""
        self._site = site
        for listener in self._listeners:
            listener()
        self.directory.replace(site.directory)
