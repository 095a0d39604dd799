"""How many files a process may have open, and what that leaves for calls: every connection is one, and who has none left answers nobody."""

import resource
from dataclasses import dataclass

MOST = 1_048_576
OTHERS = 200  # what a server has open besides calls and HTTP: Redis, AMI, look-ups, sounds, logs, its program
ASTERISK_EACH = 6  # for each caller
_LEAST_OF_ASTERISK = 65_536
_LEAST_HTTP, _MOST_HTTP = 32, 512


@dataclass(frozen=True, slots=True)
class Shares:
    """How many calls, and how many connections for HTTP, a server takes at once."""

    calls: int
    http: int


def raise_soft_limit() -> int:
    """Lift this process's soft limit to its hard one, for itself and its children; how many files it may open then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return MOST if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (ValueError, OSError):
        return soft
    return wanted


def shares(files: int, calls: int) -> Shares:
    """What a server with so many files takes, of `calls` that the site wants."""
    http = max(_LEAST_HTTP, min(_MOST_HTTP, files // 8))
    return Shares(max(1, min(calls, files - OTHERS - http)), http)


def wanted_by_asterisk(calls: int) -> int:
    """How many files an Asterisk should have for so many callers."""
    return max(_LEAST_OF_ASTERISK, OTHERS + ASTERISK_EACH * calls)


def calls_of_asterisk(files: int) -> int:
    """How many callers an Asterisk with so many files has room for."""
    return max(1, (files - OTHERS) // ASTERISK_EACH)


def out_of_reach(files: int, calls: int, nodes: int, *, asterisk_files: int = 0) -> str:
    """A sentence when `limits.calls` cannot be reached with so many files, by a server or by our Asterisk (0: not ours); else ""."""
    reached, who = shares(files, calls).calls, "each server"
    if asterisk_files and calls_of_asterisk(asterisk_files) < min(reached, calls) * nodes:
        reached, who, calls, files = calls_of_asterisk(asterisk_files), "Asterisk", calls * nodes, asterisk_files
    if reached >= calls:
        return ""
    return (
        f"limits.calls cannot be reached: {who} may open {files} files, enough for {reached} calls of {calls}"
        " - raise the hard limit of open files (ulimit -Hn; LimitNOFILE= in a systemd unit; --ulimit nofile= in Docker)"
    )
