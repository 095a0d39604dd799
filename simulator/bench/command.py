"""The command line of `./hotline bench`: options in, one benchmark run, its report published, exit code out."""

import argparse
from itertools import product
from pathlib import Path

import uvloop

from simulator.bench.app_queue import NotLoaded
from simulator.bench.edge.sipp import NoSipp
from simulator.bench.own_redis import NoRedis
from simulator.bench.picture import draw
from simulator.bench.report import Report, publish
from simulator.site import SiteFailed

INTERRUPTED = 130
WAITING, AGENTS = (1, 20, 200), (1, 20, 100)
ANNOUNCED = ((1, 1), (20, 20), (200, 100))  # app_queue keeps an agent waiting for many seconds while it announces


def add_bench(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `bench` to a command line; `run_bench` takes what it understood."""
    bench = commands.add_parser("bench", help="measure beside what else there is: 0 when the targets are met")
    kinds = bench.add_subparsers(dest="kind", required=True)
    offer = kinds.add_parser("offer", help="from a free agent to the INVITE at that agent's phone, beside app_queue")
    offer.add_argument(
        "--size",
        action="append",
        type=_size,
        metavar="WAITING/AGENTS",
        help="for several, repeat (default: 1, 20, 200 callers and 1, 20, 100 agents, each with each)",
    )
    offer.add_argument("--samples", type=int, default=200, help="offers measured at each size (default: %(default)s)")
    offer.add_argument("--beside", type=Path, metavar="PATH", help="another checkout of Hotline, measured by turns with this one")
    offer.add_argument("--runs", type=int, default=1, metavar="N", help="repeat the whole; medians count (default: %(default)s)")
    offer.add_argument("--trace", action="store_true", help="print the steps of an offer in the server, and the server's own share of it")
    agi = kinds.add_parser("agi", help="AGI commands per second and memory per session, beside other libraries")
    agi.add_argument("--sessions", action="append", type=int, metavar="N", help="repeat for several (default: 100 1000 5000)")
    agi.add_argument("--rounds", type=int, default=3, help="of which the median counts (default: %(default)s)")
    agi.add_argument("--seconds", type=float, default=3.0, help="of load in each (default: %(default)s)")
    calls = kinds.add_parser("calls", help="complete calls, and what they cost Asterisk, server and Redis")
    calls.add_argument("--concurrent", action="append", type=int, metavar="N", help="repeat for several (default: 10 50 100 200 300)")
    calls.add_argument("--seconds", type=float, default=20.0, help="measured at each (default: %(default)s)")
    router = kinds.add_parser("router", help="routing decisions, contacts per second on one Redis, memory per waiting contact")
    router.add_argument("--seconds", type=float, default=10.0, help="of load (default: %(default)s)")
    faults = kinds.add_parser("faults", help="kills, freezes and losses under live callers, and what they notice")
    faults.add_argument("--only", metavar="WORDS", default="", help="faults whose name has these words (default: all)")
    edge = kinds.add_parser("edge", help="malformed messages, floods and slow connections while people talk, and the gaps that they hear")
    edge.add_argument("--only", metavar="WORDS", default="", help="attacks whose name has these words (default: all)")
    edge.add_argument("--seconds", type=float, default=20.0, help="that each lasts (default: %(default)s)")
    for kind in (offer, agi, calls, router, faults, edge):
        kind.add_argument("--state", type=Path, default=Path(".state"), metavar="DIR", help="the state folder (default: .state)")
        kind.add_argument("--quick", action="store_true", help="small sizes, to see that it works: the figures say little")


def run_bench(given: argparse.Namespace) -> int:
    """Returns the exit code: 0 when every target is met. A reason why nothing could be measured is said in one sentence."""
    try:
        return publish(_RUN[given.kind](given), given.state / "bench", draw)
    except (SiteFailed, NotLoaded, NoRedis, NoSipp, TimeoutError) as reason:
        _say(f"bench: nothing could be measured: {reason or 'calls or offers did not come in time; is the machine busy?'}")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _offer(given: argparse.Namespace) -> Report:
    from simulator.bench.offer import OfferOptions, bench_offer
    from simulator.bench.offer_report import Size

    sizes = sorted({Size(*size) for size in given.size or product(WAITING, AGENTS)}, key=lambda size: (size.agents, size.waiting))
    announced = sizes if given.size else [Size(*size) for size in ANNOUNCED]
    if given.quick:
        sizes, announced, given.samples = [Size(2, 2)], [], 5
    options = OfferOptions(given.state, sizes, given.samples, announced, given.beside, given.runs, given.trace)
    return uvloop.run(bench_offer(options, _say))


def _agi(given: argparse.Namespace) -> Report:
    from simulator.bench.agi import AgiOptions, bench_agi

    options = AgiOptions(sorted(given.sessions or [100, 1000, 5000]), given.rounds, given.seconds)
    if given.quick:
        options = AgiOptions([50], 1, 0.3)
    return bench_agi(options, _say)


def _calls(given: argparse.Namespace) -> Report:
    from simulator.bench.calls import CallsOptions, bench_calls

    options = CallsOptions(given.state, sorted(given.concurrent or [10, 50, 100, 200, 300]), given.seconds)
    if given.quick:
        options = CallsOptions(given.state, [4], 3.0, talk_s=1.0, brief=2)
    return uvloop.run(bench_calls(options, _say))


def _router(given: argparse.Namespace) -> Report:
    from simulator.bench.router import RouterOptions, bench_router

    options = RouterOptions(seconds=given.seconds)
    if given.quick:
        options = RouterOptions(100, 300, 300, 1, 500, 40, 60, seconds=1.0, warm_up=0.5)
    return bench_router(options, _say)


def _faults(given: argparse.Namespace) -> Report:
    from simulator.bench.faults.deeds import DEEDS
    from simulator.bench.faults.run import FaultOptions, bench_faults

    deeds = [deed for deed in DEEDS if given.only in deed.name]
    if not deeds:
        raise NotLoaded(f"no fault has {given.only!r} in its name; there are: {', '.join(deed.name for deed in DEEDS)}")
    return uvloop.run(bench_faults(FaultOptions(deeds, share=5 if given.quick else 1), _say))


def _edge(given: argparse.Namespace) -> Report:
    from simulator.bench.edge.attacker import ATTACKS
    from simulator.bench.edge.run import EdgeOptions, bench_edge

    attacks = [name for name in ATTACKS if given.only in name]
    if not attacks:
        raise NotLoaded(f"no attack has {given.only!r} in its name; there are: {', '.join(ATTACKS)}")
    options = EdgeOptions(attacks, 4, 0.5) if given.quick else EdgeOptions(attacks, seconds=given.seconds)
    return uvloop.run(bench_edge(options, _say))


_RUN = {"offer": _offer, "agi": _agi, "calls": _calls, "router": _router, "faults": _faults, "edge": _edge}


def _size(text: str) -> tuple[int, int]:
    waiting, _, agents = text.partition("/")
    if not (waiting.isdecimal() and agents.isdecimal() and int(waiting) and int(agents)):
        raise argparse.ArgumentTypeError(f"{text!r} is not WAITING/AGENTS, such as 20/20")
    return int(waiting), int(agents)


def _say(line: str) -> None:
    print(line, flush=True)
