"""`./hotline check`: is everything in config/ and dialplans/ right, and do the conversations go as written?"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ivr.conversations import run_conversations
from server.cli.options import CommandFailed, Options, say, shown, used_site
from server.cli.site import checked_site, counted, how_many, premises_of, print_problems
from server.settings import Site
from sources.problems import ProblemsFound


def run(options: Options) -> int:
    """0 when all is well."""
    say(f"checking {used_site(options.config, options.dialplans)}")
    site = checked_site(options)
    print_problems(site.warnings)
    _summarise(site)
    if options.given.test is not None:
        _converse(site, options.given.test or sorted((options.dialplans / "tests").glob("*.yaml")), options.dialplans)
    return 0


def _summarise(site: Site) -> None:
    directory = site.directory
    numbers = ", ".join(f"{number} -> {flow}" for number, flow in site.numbers.items()) or "none of its own"
    any_other = f"; any other -> {site.default_flow}" if site.default_flow else ""
    nodes = sum(len(flow.nodes) for flow in site.flows.values())
    say(f"site '{site.main.site}' is fine" + (f", with {how_many(site.warnings)}" if site.warnings else ""))
    say(f"  numbers   {numbers}{any_other}")
    say(f"  flows     {', '.join(sorted(site.flows))} ({counted(nodes, 'node')})")
    say(f"  queues    {', '.join(directory.queues) or 'none'}")
    say(f"  agents    {len(directory.agents)}")
    if directory.teams:
        say(f"  teams     {', '.join(directory.teams)}")
    if site.callers.priorities:
        sizes = Counter(site.callers.members.values())
        lists = [f"{name} ({counted(sizes[name], 'number')})" for name in site.callers.priorities]
        say(f"  callers   {', '.join(lists)}")
    say(f"  languages {', '.join(site.main.languages)}")
    say(f"  trunks    {', '.join(site.trunks) or 'none: only phones of this site can call'}")


def _converse(site: Site, files: Sequence[Path], dialplans: Path) -> None:
    if not files:
        raise CommandFailed(f"there is no conversation to run: put files into {shown(dialplans / 'tests')}, or name them behind --test")
    try:
        results = asyncio.run(run_conversations([shown(file) for file in files], site.flows, premises_of(site)))
    except ProblemsFound as found:
        print_problems(found.problems)
        raise CommandFailed(how_many(found.problems)) from None
    for result in results:
        say(f"  {'FAILED' if result.problem else 'ok':6}  {result.name}")
        if result.problem:
            say(f"          {result.problem}")
    failed = sum(1 for result in results if result.problem)
    if failed:
        raise CommandFailed(f"{failed} of {counted(len(results), 'conversation')} failed")
    say(f"{counted(len(results), 'conversation')} went as written")
