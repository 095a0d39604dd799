"""Reads the command line and hands over to the command. Commands are loaded when they are used, so that help comes at once."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from server.cli.options import CommandFailed, Options, shown, site_folder
from server.disk import is_of_disk, sentence
from server.terminal_text import plain
from server.version import VERSION

INTERRUPTED = 130

# command -> (module, one line of help). Each module has run(options) -> exit code.
COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("server.cli.up", "run this site until Ctrl-C: Asterisk, Redis and the server, as config/ wants them"),
    "restart": ("server.cli.restart", "start the servers of a running site anew, one after the other: for new settings, flows or programs"),
    "check": ("server.cli.check", "validate the configuration and all dialplans: every problem at once, file:line:column"),
    "try": ("server.cli.try_flow", "walk a flow here in the terminal: prompts as text, keys typed"),
    "status": ("server.cli.status", "what is running: health, queues, agents, calls"),
    "events": ("server.cli.events", "show the event log: every change of a call, contact or agent"),
    "logs": ("server.cli.logs", "show what the server, Asterisk and Redis have logged"),
    "bans": ("server.cli.bans", "show which addresses are banned at the SIP port; --lift ADDRESS ends a ban"),
    "pin": ("server.cli.pin", "make an agent's PIN for hot desks: asks for it and prints its hash for agents.yaml"),
    "asterisk-config": ("server.cli.asterisk_config", "print what an Asterisk of your own needs to work with Hotline"),
    "asterisk-check": ("server.cli.asterisk_check", "ask an Asterisk of your own whether it has everything that Hotline needs"),
    "node": ("server.cli.node", "run only the server, where Asterisk and Redis run already (up does this by itself)"),
}


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 done, 1 with a sentence why not, 2 when the command line makes no sense."""
    given = make_parser().parse_args(arguments)
    options = Options(given.state, given.config, given.dialplans, given)
    run: Callable[[Options], int] = importlib.import_module(COMMANDS[given.command][0]).run
    try:
        code = run(options)
        sys.stdout.flush()
        return code
    except CommandFailed as reason:
        print(f"hotline: {plain(str(reason), lines=True)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `| head` has seen enough
        _say_no_more()
        return 0
    except OSError as error:
        if not is_of_disk(error):
            raise
        _say_no_more()
        with suppress(OSError):
            print(f"hotline: {plain(sentence(error))}", file=sys.stderr)
        return 1


def _say_no_more() -> None:
    """What is not written yet cannot be written: it is thrown away."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def make_parser() -> argparse.ArgumentParser:
    """The command line with all commands."""
    parser = argparse.ArgumentParser(prog="./hotline", description="Hotline - a telephone hotline server for Asterisk.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"Hotline {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
        if name in _SPECIAL:
            _SPECIAL[name](command)
        folders = command.add_argument_group("folders")
        _folder(folders, "--state", ".state", "what this site keeps while it runs and after: ports, secrets, logs, data")
        _folder(folders, "--config", "config", "queues, agents, numbers, hours and settings of this site")
        _folder(folders, "--dialplans", "dialplans", "the flows that callers walk")
    return parser


def _folder(group: argparse._ArgumentGroup, option: str, name: str, text: str) -> None:
    group.add_argument(option, type=Path, metavar="DIR", default=shown(site_folder() / name), help=f"{text} (default: {name}/)")


def _up(command: argparse.ArgumentParser) -> None:
    text = "also serve other devices: the address of this machine that SIP, RTP and HTTP listen on (default: this machine only)"
    command.add_argument("--listen", metavar="ADDRESS", default="127.0.0.1", help=text)


def _node(command: argparse.ArgumentParser) -> None:
    _up(command)
    text = "which of this machine's servers it is, from 0 (default); each has FastAGI and HTTP ports of its own"
    command.add_argument("--number", type=int, default=0, metavar="N", help=text)
    command.add_argument("--wait", action="store_true", help=argparse.SUPPRESS)  # for `up`: load the program, begin on a signal


def _bans(command: argparse.ArgumentParser) -> None:
    command.add_argument("--lift", default="", metavar="ADDRESS", help="end the ban of this address")


def _check(command: argparse.ArgumentParser) -> None:
    text = "also run the conversations in these files (default: tests/*.yaml in the folder of dialplans)"
    command.add_argument("--test", nargs="*", type=Path, metavar="FILE", help=text)


def _try(command: argparse.ArgumentParser) -> None:
    command.add_argument("flow", nargs="?", default="", metavar="FLOW", help="the flow's name (default: the one of your first number)")
    command.add_argument("--language", default="", help="the caller's language (default: the site's first, if the flow speaks it)")
    text = "local time of the site when the call comes, such as '2026-11-23 10:00' (default: now)"
    command.add_argument("--now", default="", metavar="TIME", help=text)
    command.add_argument("--ani", default="+8613800138000", metavar="NUMBER", help="the caller's number (default: %(default)s)")


def _status(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--url", default="", help="where the server is (default: http://127.0.0.1 with the port that the state folder knows)"
    )
    command.add_argument("--json", action="store_true", help="print what the server answered, for programs")


def _events(command: argparse.ArgumentParser) -> None:
    command.add_argument("-f", "--follow", action="store_true", help="go on with new events until Ctrl-C")
    command.add_argument("--call", default="", metavar="ID", help="only events of this call")
    command.add_argument("-n", "--lines", type=int, default=50, metavar="N", help="how many of the past ones to show (default: 50)")
    command.add_argument("--json", action="store_true", help="one JSON object per line, as docs/events.md describes it")


def _logs(command: argparse.ArgumentParser) -> None:
    parts = ("server", "asterisk", "redis")
    command.add_argument("part", nargs="?", choices=parts, metavar="PART", help=f"only this one: {', '.join(parts)}")
    command.add_argument("-f", "--follow", action="store_true", help="go on with new lines until Ctrl-C")
    command.add_argument("-n", "--lines", type=int, default=50, metavar="N", help="how many past lines of each to show (default: 50)")
    command.add_argument("--json", action="store_true", help="lines as they stand in the files")


def _asterisk_config(command: argparse.ArgumentParser) -> None:
    text = "HOST:PORT of each Hotline server as your Asterisk reaches it (default: 127.0.0.1 and the port of the state folder)"
    command.add_argument("--agi", nargs="+", metavar="HOST:PORT", default=[], help=text)
    command.add_argument("--secret", action="store_true", help="print the real passwords of this site, not placeholders")
    command.add_argument("--phones", action="store_true", help="also print SIP accounts for the phones of agents.yaml, if it has none")
    command.add_argument("--trunks", action="store_true", help="also print the lines of trunks.yaml, if it has none")


_SPECIAL: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "up": _up,
    "bans": _bans,
    "check": _check,
    "try": _try,
    "status": _status,
    "events": _events,
    "logs": _logs,
    "asterisk-config": _asterisk_config,
    "node": _node,
}
