"""What a process costs, from /proc: processor time of all its threads, and resident memory. Linux only, as the server is."""

import os
import resource
from pathlib import Path

PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024
TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int) -> float:
    """User and system time so far. Raises OSError when there is no such process."""
    return seconds_in(Path(f"/proc/{pid}/stat").read_text())


def seconds_in(stat: str) -> float:
    """The same from the text of /proc/PID/stat, whose second field, the name, may have blanks and brackets in it."""
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_kib(pid: int) -> int:
    """Memory that it occupies. Raises OSError when there is no such process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_KIB


def raise_file_limit(needed: int) -> int:
    """Let this process and its children open so many files; returns how many they may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        reach = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, reach), hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
