"""SIPp with a scenario of ours: the host's own, or one unpacked from the distribution's packages."""

import asyncio
import sys
from collections import Counter
from pathlib import Path

from simulator.home import ROOT

SCENARIOS = Path(__file__).parent / "scenarios"


class NoSipp(Exception):
    """The message says what to do."""


async def sipp_program() -> str:
    """Its path; fetched at the first call on a host without. Raises NoSipp."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server.install", "sipp"), cwd=ROOT, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    if process.returncode != 0:
        raise NoSipp("SIPp could not be fetched: install the package sip-tester, or leave its attacks out with --only")
    return said.decode().splitlines()[-1]


async def run_scenario(scenario: str, *, source: str, to: tuple[str, int], number: str, rate: int, seconds: float) -> Counter[str]:
    """`rate` calls of a scenario a second, from the address `source`; counts those that were placed."""
    calls = max(1, round(rate * seconds))
    program = await sipp_program()
    process = await asyncio.create_subprocess_exec(
        *(program, f"{to[0]}:{to[1]}", "-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", source, "-s", number),
        *("-r", str(rate), "-m", str(calls), "-nostdin", "-timeout", f"{seconds + 20:.0f}s", "-timeout_error", "-recv_timeout", "10000"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await asyncio.wait_for(process.wait(), seconds + 40)
    return Counter({"sent": calls, "sipp ended with": process.returncode or 0})
