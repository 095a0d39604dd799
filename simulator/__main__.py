"""`python -m simulator demo` and `bench`: what ./hotline hands over to."""

import argparse
import asyncio
import sys
from pathlib import Path

from simulator.bench.command import add_bench, run_bench
from simulator.demo.run import DemoOptions, demo


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="./hotline", description="Hotline's demo and benchmarks.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("demo", help="install what is missing, start everything, place one real call, keep traffic flowing")
    one.add_argument("--once", action="store_true", help="end after the one call: exit code 0 if caller and agent heard each other")
    one.add_argument("--state", type=Path, default=Path(".state"), metavar="DIR", help="the state folder (default: .state)")
    one.add_argument(
        "--listen", default="127.0.0.1", metavar="ADDRESS", help="an address of this machine for SIP and HTTP (default: only this machine)"
    )
    one.add_argument("--seed", type=int, default=None, help="the same traffic every time")
    add_bench(commands)
    options = parser.parse_args(arguments)
    if options.command == "bench":
        return run_bench(options)
    return asyncio.run(demo(DemoOptions(options.state, options.once, options.listen, options.seed)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
