"""The site for commands: read completely, or every problem of it printed."""

from collections.abc import Collection, Iterable

from ivr.premises import Premises
from server.cli.options import CommandFailed, Options, say, shown
from server.settings import Site, load_site
from sources.problems import Problem, ProblemsFound


def checked_site(options: Options) -> Site:
    """Prints every problem and raises CommandFailed when there is one that is more than a warning. Prints no warning."""
    try:
        return load_site(shown(options.config), shown(options.dialplans))
    except ProblemsFound as found:
        print_problems(found.problems)
        raise CommandFailed(how_many(found.problems)) from None


def print_problems(problems: Iterable[Problem]) -> None:
    """One line each, file:line:column first."""
    for problem in problems:
        say(str(problem))


def how_many(problems: Collection[Problem]) -> str:
    """`2 problems, 1 warning`."""
    warnings = sum(1 for problem in problems if problem.warning)
    counts = [counted(number, kind) for number, kind in ((len(problems) - warnings, "problem"), (warnings, "warning")) if number]
    return ", ".join(counts)


def counted(number: int, thing: str) -> str:
    """`1 problem`, `2 problems`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def premises_of(site: Site) -> Premises:
    """What a conversation or a flow that is tried finds at this site."""
    main, directory = site.main, site.directory
    return Premises(
        site.hours,
        main.time_zone,
        country=main.country,
        language=main.languages[0],
        caller_list=site.callers.of,
        may_dial=site.may_dial,
        is_open=directory.is_open,
    )
