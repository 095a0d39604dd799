"""`./hotline status`: asks the running server over HTTP and shows health, queues, agents and calls as tables."""

import json
import os
import sys
import urllib.error
import urllib.request
from typing import Any

from rich.console import Console
from rich.table import Table

from server.cli.options import CommandFailed, Options, say, shown
from server.state_folder.folder import StateFolder
from server.state_folder.ports import PortError, read_ports
from server.state_folder.secrets import SecretsError, secrets_for
from server.terminal_text import plain, plain_json

ANSWER_S = 5.0
UNKNOWN_WIDTH = 200
WIDE = 140  # columns from which on there is room for teams
PHONE_STATES = {"available": "", "unavailable": "off"}
COLOURS = {"ready": "green", "on_contact": "cyan", "reserved": "yellow", "paused": "magenta", "logged_out": "dim"}


def run(options: Options) -> int:
    """0 when the server is ready for calls, 1 when it is not or does not run."""
    server = _Server(options)
    health = server.ask("/readyz", ready=False)
    facts = {"health": health, **{name: server.ask(f"/api/{name}")[name] for name in ("queues", "agents", "calls")}}
    if options.given.json:
        say(plain_json(facts, indent=2))
    else:
        _show(server.url, facts)
    return 0 if health["ready"] else 1


class _Server:
    """The HTTP interface, asked with the viewer's token."""

    def __init__(self, options: Options) -> None:
        state = StateFolder(options.state)
        self._start = f"start it with ./hotline up (state folder: {shown(state.path)})"
        token = os.environ.get("HOTLINE_TOKEN", "")
        try:
            ports = read_ports(state.path)
            if not token and state.secrets_file.is_file():
                token = secrets_for(state.path, ()).tokens["viewer"]
        except (PortError, SecretsError) as reason:
            raise CommandFailed(str(reason)) from None
        if not options.given.url and (ports is None or not token):
            raise CommandFailed(f"Hotline has never run here: {self._start}")
        self.url = options.given.url.rstrip("/") or f"http://127.0.0.1:{ports.http if ports else 0}"
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # what is asked is near, no proxy knows it

    def ask(self, path: str, *, ready: bool = True) -> Any:
        """The JSON at `path`; with `ready` False a 503 is an answer, too."""
        try:
            request = urllib.request.Request(f"{self.url}{path}", headers=self._headers)
            with self._opener.open(request, timeout=ANSWER_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 503 and not ready:
                return json.load(error)
            raise CommandFailed(f"{self.url}{path} answers {error.code}: {_sentence(error)}") from None
        except (OSError, ValueError) as error:
            why = getattr(error, "reason", error)
            raise CommandFailed(f"Hotline is not running, nobody answers at {self.url} ({why}): {self._start}") from None


def _sentence(error: urllib.error.HTTPError) -> str:
    try:
        return plain(str(json.load(error)["error"]["message"]))
    except (ValueError, KeyError, TypeError):
        return "is that address a Hotline's?"


def _show(url: str, facts: dict[str, Any]) -> None:
    # Into a file or a pipe nobody has said how wide it may be: wide enough that no column breaks.
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else UNKNOWN_WIDTH
    console = Console(markup=False, highlight=False, emoji=False, width=width)
    console.print(f"Hotline at {url}", style="bold")
    for name, component in facts["health"]["components"].items():
        console.print(
            f"  {name:10} {'ready' if component['ready'] else plain(component['message'])}", style="green" if component["ready"] else "red"
        )
    calls = _calls(facts["calls"]) if facts["calls"] else "No calls."
    for table in (_queues(facts["queues"]), _agents(facts["agents"], console.width), calls):
        console.print()
        console.print(table)


def _queues(queues: list[dict[str, Any]]) -> Table:
    table = _table("Queues", "queue", "waiting>", "longest>", "expected>", "free>", "talking>", "answered>", "abandoned>", "level>", "aim")
    table.caption = f"expected: the wait of who joins now, ready for any agent\n{_formulas(queues)}\naim:      80/20 is 80 % within 20 s"
    for queue in queues:
        level, totals = queue["service_level"], queue["totals"]
        table.add_row(
            queue["name"],
            str(queue["waiting"]),
            duration(queue["longest_wait_ms"]) if queue["waiting"] else "-",
            "-" if queue["expected_wait_ms"] is None else duration(queue["expected_wait_ms"]),
            f"{queue['free_agents']} of {sum(queue['agents'].values())}",
            str(queue["agents"]["on_contact"]),
            str(totals.get("answered", 0)),
            str(totals.get("abandoned", 0)),
            "-" if level["percent"] is None else f"{level['percent']:.0f} %",
            f"{level['target_percent']}/{level['threshold_ms'] // 1000}",
        )
    return table


def _formulas(queues: list[dict[str, Any]]) -> str:
    """What the levels are shares of: each formula that some queue has."""
    words: dict[str, list[str]] = {}
    for queue in queues:
        words.setdefault(queue["service_level"]["definition"], []).append(queue["name"])
    only = len(words) == 1
    return "\n".join(f"level:    {text}, last 30 min{'' if only else ' (' + ', '.join(names) + ')'}" for text, names in words.items())


def _agents(agents: list[dict[str, Any]], width: int) -> Table:
    in_teams = width >= WIDE and any(agent["team"] for agent in agents)
    table = _table("Agents", "agent", "name", *(["team"] if in_teams else []), "state", "for>", "phone", "queues", "contact")
    for agent in agents:
        details = [word for word in (plain(agent["reason"]), _until(agent)) if word]
        reason = f" ({', '.join(details)})" if details else ""
        phone_state = PHONE_STATES.get(agent["phone_state"], agent["phone_state"])
        contact = agent["contact"]
        table.add_row(
            agent["id"],
            plain(agent["name"]),
            *([plain(agent["team"]) or "-"] if in_teams else []),
            f"{agent['state']}{reason}",
            duration(agent["in_state_ms"]) if agent["since_ms"] else "-",
            f"{agent['phone']} {phone_state}".rstrip() if agent["phone"] else "-",
            ", ".join(f"({queue})" if queue in agent["left_queues"] else queue for queue in agent["queues"]),
            f"{contact['queue']}: {contact['ani']}" if contact else "",
            style=COLOURS.get(agent["state"]),
        )
    if any(agent["left_queues"] for agent in agents):
        table.caption = "(queue): left for now"
    return table


def _until(agent: dict[str, Any]) -> str:
    """How much of a wrap-up or of a break with a longest time is left, or by how much it is over."""
    if not agent["until_ms"]:
        return ""
    left_ms = agent["until_ms"] - agent["since_ms"] - agent["in_state_ms"]
    return f"{duration(left_ms)} left" if left_ms >= 0 else f"{duration(-left_ms)} over"


def _calls(calls: list[dict[str, Any]]) -> Table:
    table = _table(f"Calls: {len(calls)}", "call", "from", "to", "for>", "stage", "where")
    for call in calls:
        where = {"waiting": call["queue"], "talking": f"{call['queue']}: {call['agent']}"}.get(
            call["stage"], f"{call['flow']}/{call['node']}"
        )
        table.add_row(
            plain(call["id"]),
            plain(call["ani"]),
            plain(call["dnis"]),
            duration(call["duration_ms"]),
            call["stage"],
            plain(where.strip("/")),
        )
    return table


def _table(title: str, *columns: str) -> Table:
    """A column whose name ends in > is to the right."""
    table = Table(
        title=title,
        title_justify="left",
        caption_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        header_style="dim",
        padding=(0, 2, 0, 0),
    )
    for column in columns:
        table.add_column(column.rstrip(">"), justify="right" if column.endswith(">") else "left", overflow="fold")
    return table


def duration(ms: int) -> str:
    """`8s`, `1:05`, `2:00:05`."""
    seconds = max(ms, 0) // 1000
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    if hours:
        return f"{hours}:{minutes:02}:{seconds:02}"
    return f"{minutes}:{seconds:02}" if minutes else f"{seconds}s"
