"""`bench edge`: twenty people talk; how long is the longest gap that they hear, without an attack and during each one, in the same run."""

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from simulator.bench.edge.attacker import ATTACKS, TRUNK
from simulator.bench.edge.sipp import sipp_program
from simulator.bench.faults.crowd import Backend, Crowd, Person
from simulator.bench.faults.site import TALKING, FaultSite, Shape
from simulator.bench.process_figures import raise_file_limit
from simulator.bench.report import Report, Table
from simulator.books import loose_ends
from simulator.home import ROOT
from simulator.phone.rtp import RATE
from simulator.phone.tones import rms

FRAME = RATE // 50  # 20 ms, as a packet
QUIET = 100.0  # RMS below which a frame is silent
LEAST_GAP_MS = 40.0  # one packet late and one behind it: less than that is no gap that a person hears
REST_S = 0.5  # between two attacks
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class EdgeOptions:
    """How many talk, for how many seconds each attack lasts, and which attacks there are (keys of ATTACKS)."""

    attacks: Sequence[str] = tuple(ATTACKS)
    talks: int = 20
    seconds: float = 20.0


@dataclass(slots=True)
class Heard:
    """What people heard during one attack, and what is left of the site. Times in ms; `sent` and the rest as the attacker counts."""

    attack: str
    longest_gap_ms: float
    counts: dict[str, int] = field(default_factory=dict)
    calls_lost: int = 0
    server_lives: bool = True
    ready: bool = True
    log_bytes: int = 0


async def bench_edge(options: EdgeOptions, say: Say) -> Report:
    """Run all attacks on one site, one after the other. Raises SiteFailed, TimeoutError."""
    raise_file_limit(8192)
    backend = Backend()
    port = await backend.start()
    await sipp_program()
    with tempfile.TemporaryDirectory(prefix="hl-edge-") as folder:
        site = FaultSite(Path(folder), Shape(agents=options.talks), port)
        _open_to_attack(site.folder / "config")
        try:
            await site.start(900)
            crowd = Crowd(site, backend, {TALKING: options.talks})
            try:
                await crowd.come()
                rows = await _attack_all(crowd, options, say)
            finally:
                await crowd.leave()
            left = await _books(crowd)
        finally:
            await site.stop()
            await backend.stop()
    return report(rows, left, options)


def _open_to_attack(config: Path) -> None:
    """Nobody is banned, so that every message is read; one more address is believed to be a carrier's."""
    (config / "access.yaml").write_text("bans: {failures: 0, requests: 0}\n")
    (config / "trunks.yaml").write_text(json.dumps({"trunks": {"carrier": {"kind": "ip", "host": TRUNK}}}))


async def _attack_all(crowd: Crowd, options: EdgeOptions, say: Say) -> list[Heard]:
    rows = [await _hear(crowd, "none", options.seconds)]
    for name in options.attacks:
        await asyncio.sleep(REST_S)
        rows.append(await _hear(crowd, name, options.seconds))
        say(f"  {name}: longest gap {rows[-1].longest_gap_ms:.0f} ms, {rows[-1].counts}")
    await asyncio.sleep(REST_S)
    rows.append(await _hear(crowd, "none, again", options.seconds))
    return rows


async def _hear(crowd: Crowd, attack: str, seconds: float) -> Heard:
    """Attack for so long, and listen."""
    site = crowd.site
    server, logs = site.pid("server"), _log_bytes(site.state)
    await crowd.listen()
    if attack in ATTACKS:
        counts = await _carried_out(attack, seconds, site.ports)
    else:
        counts = {}
        await asyncio.sleep(seconds)
    now = asyncio.get_running_loop().time()
    heard = Heard(attack, max(_longest_gap_ms(person, now) for person in crowd.people), counts)
    heard.calls_lost = sum(not person.is_up for person in crowd.people)
    heard.log_bytes = _log_bytes(site.state) - logs
    heard.ready = await site.ready(5)
    heard.server_lives = site.pid("server") == server
    return heard


async def _carried_out(attack: str, seconds: float, ports: dict[str, int]) -> dict[str, int]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator.bench.edge.attacker", attack, str(seconds), json.dumps(ports)),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await asyncio.wait_for(process.communicate(), seconds + 60)
    counts: dict[str, int] = json.loads(said.splitlines()[-1])
    return counts


def _longest_gap_ms(person: Person, until: float) -> float:
    """Up to a loop time: what did not come by then is a gap as well."""
    heard = person.call.heard
    samples = heard.samples(person.from_sample)
    longest = run = 0
    for at in range(0, len(samples) - FRAME + 1, FRAME):
        run = 0 if rms(samples[at : at + FRAME]) > QUIET else run + 1
        longest = max(longest, run)
    run += max(0, round((until - heard.started_at) * RATE) - len(heard)) // FRAME
    return max(longest, run) * 1000 * FRAME / RATE


def _log_bytes(state: Path) -> int:
    """What is written so far; logs that were put aside count."""
    return sum(path.stat().st_size for path in (state / "log").iterdir())


async def _books(crowd: Crowd, within_s: float = 45.0) -> list[str]:
    """Everybody has hung up: what has no end, a while later. Asterisk waits 32 s for an ACK (RFC 3261 13.3.1.4)."""
    try:
        async with asyncio.timeout(within_s):
            while loose_ends(crowd.site.feed.events, still=True):  # noqa: ASYNC110 - the end of waiting is nobody's event
                await asyncio.sleep(0.1)
    except TimeoutError:
        pass
    return loose_ends(crowd.site.feed.events)


def report(rows: Sequence[Heard], left: Sequence[str], options: EdgeOptions) -> Report:
    """The table. A gap is judged by those without an attack, at the beginning and at the end of the same run."""
    usual_ms = max(LEAST_GAP_MS, *(row.longest_gap_ms for row in rows if row.attack not in ATTACKS))
    made = Report("edge")
    cells = [
        [row.attack, f"{row.longest_gap_ms:.0f}", str(row.calls_lost), ", ".join(f"{name} {count:,}" for name, count in row.counts.items())]
        for row in rows
    ]
    columns = ["attack", "longest gap ms", "calls lost", "sent and answered"]
    made.tables.append(Table(f"{options.talks} talks, {options.seconds:g} s each", columns, cells))
    made.figures = {"attacks": [asdict(row) for row in rows]}
    attacks = [row for row in rows if row.attack in ATTACKS]
    worst = max((row.longest_gap_ms for row in attacks), default=0.0)
    sent = sum(row.counts.get("sent", 0) for row in rows)
    made.line = {"talks": options.talks, "usual_gap_ms": usual_ms, "worst_gap_ms": worst, "messages": sent}
    made.misses = [sentence for row in attacks for sentence in _misses(row, usual_ms, options.seconds)]
    made.misses += [f"left behind: {sentence}" for sentence in left]
    return made


def _misses(row: Heard, usual_ms: float, seconds: float) -> list[str]:
    found = {
        f"a gap of {row.longest_gap_ms:.0f} ms, at most twice the {usual_ms:.0f} ms without an attack": row.longest_gap_ms > 2 * usual_ms,
        f"{row.calls_lost} calls were cut": row.calls_lost > 0,
        "the server was started anew": not row.server_lives,
        "the site was not ready behind it": not row.ready,
    }
    return [f"{row.attack}: {sentence}" for sentence, is_so in found.items() if is_so]
