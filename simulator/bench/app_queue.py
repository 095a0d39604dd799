"""Asterisk's own queue application on the site's Asterisk, with the same phones, for comparison: loaded into the running process only.

It is set up as well as it can be: agents without wrap-up, calls given out in parallel (autofill), no member rung who is talking, the
shortest pause between two tries that it knows. Nothing of it is in the configuration that a site gets.
"""

from simulator.bench.site import FIRST_PHONE, BenchSite

QUEUE, ANNOUNCED, UNSTAFFED = "7100", "7101", "7102"
NAMES = {QUEUE: "bench", ANNOUNCED: "announced", UNSTAFFED: "unstaffed"}

_QUEUE = """
[{name}]
strategy = leastrecent
autofill = yes
ringinuse = no
timeout = 15
retry = 1
wrapuptime = 0
memberdelay = 0
joinempty = yes
leavewhenempty = no
announce-frequency = {announce_s}
min-announce-frequency = 1
announce-position = {position}
announce-holdtime = no
announce-to-first-user = yes
musicclass = default
"""


class NotLoaded(Exception):
    """This Asterisk cannot run app_queue; the message has what it said."""


def queues_conf(agents: int) -> str:
    """The text of queues.conf: members are the site's agents at their phones."""
    members = "".join(f"member => PJSIP/{FIRST_PHONE + number}\n" for number in range(agents))
    parts = ["[general]\npersistentmembers = no\nautofill = yes\nshared_lastcall = yes\n"]
    for name in NAMES.values():
        announced = name == "announced"
        parts.append(_QUEUE.format(name=name, announce_s=4 if announced else 0, position="yes" if announced else "no"))
        parts.append("" if name == "unstaffed" else members)
    return "".join(parts)


def dialplan_commands() -> list[str]:
    """Console commands that make the numbers of this module reachable for callers."""
    commands = []
    for number, name in NAMES.items():
        for place, application in enumerate(("Answer(,i)", f"Queue({name})", "Hangup()"), 1):
            commands.append(f"dialplan add extension {number},{place},{application} into hotline-callers")
    return commands


async def load(site: BenchSite) -> None:
    """Load it into the running Asterisk. Raises NotLoaded."""
    (site.state / "etc/asterisk/queues.conf").write_text(queues_conf(site.agents))
    said = [await site.asterisk("module load app_queue.so")]
    said += [await site.asterisk(command) for command in dialplan_commands()]
    shown = await site.asterisk("queue show bench")
    if shown.count("PJSIP/") < site.agents:
        raise NotLoaded(f"app_queue does not run on this Asterisk: {' / '.join([*said, shown])[:500]}")
