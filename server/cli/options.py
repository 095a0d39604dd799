"""The options of every command, and the way a command ends with a sentence instead of a result."""

import os
import sys
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

from server.home import HOME
from server.terminal_text import plain


class CommandFailed(Exception):
    """The command cannot do what was asked; the message is the sentence that is printed, and the exit code is 1."""


@dataclass(frozen=True, slots=True)
class Options:
    """`given` has the options of the one command."""

    state: Path
    config: Path
    dialplans: Path
    given: Namespace


def site_folder() -> Path:
    """The folder that you are in when it has `config/`, else the one of the program."""
    here = Path.cwd()
    return here if (here / "config").is_dir() else HOME


def used_site(config: Path, dialplans: Path) -> str:
    """Which site a command reads, in a line."""
    config, dialplans = config.absolute(), dialplans.absolute()
    if (config.name, dialplans.name) == ("config", "dialplans") and config.parent == dialplans.parent:
        return f"the site in {config.parent}: config/ and dialplans/"
    return f"the site in {config}, with the flows in {dialplans}"


def shown(path: Path) -> Path:
    """A path as short as it can be written from here."""
    relative = Path(os.path.relpath(path))
    return path if relative.parts[:1] == ("..",) else relative


def say(text: str = "") -> None:
    """A line of the result, or several, at once, also into a pipe."""
    sys.stdout.write(f"{plain(text, lines=True)}\n")
    sys.stdout.flush()
