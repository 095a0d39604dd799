"""This site: what `config/` says, typed and checked, or every problem in it."""

from server.settings.load import load_site
from server.settings.site import Site

__all__ = ["Site", "load_site"]
