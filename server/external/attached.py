"""What an Asterisk that somebody else runs needs, as text to be added to its files; made from the same templates as the managed one's.

Nothing of it touches what is there already: contexts and templates have names of ours, and phones and trunks are left out unless asked for.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_address
from itertools import takewhile
from pathlib import Path

from routing.domain.phone_address import phone_text
from server.asterisk.configuration import PhoneAccount, Plan, render
from server.asterisk.modules import CHECK_MODULES, REQUIRED_MODULES
from server.installation import rounds_within
from server.settings import Site

LOOPBACK = "127.0.0.1/255.255.255.255"
_UNUSED = Path("/unused")
_ANY_SERVER = ("127.0.0.1:4573",)

PHONES_ALREADY_THERE = """\
; Nothing to add for phones that you have (--phones prints those of agents.yaml, --trunks the lines of trunks.yaml).
; In the endpoint of each agent's phone, whose name must be `phone` of agents.yaml:
;   context = one that has `include => hotline-agents`
;   rtp_timeout = {rtp_timeout}            a phone that loses power says no goodbye: its caller would hear nothing, for ever
;   rtp_timeout_hold = {max_call}
;   dtmf_mode = rfc4733         direct_media = no         allow_transfer = yes         device_state_busy_at = 1"""


def attached_plan(site: Site, servers: tuple[str, ...], ami_secret: str, sip: Mapping[str, str]) -> Plan:
    """The plan of an Asterisk that Hotline does not run. `servers`: HOST:PORT as Asterisk reaches them; `sip`: account -> password."""
    main, names = site.main, {phone_text(agent.phone): agent.id for agent in site.directory.agents.values()}
    plan = Plan(
        attached=True,
        state=_UNUSED,
        run=_UNUSED,
        modules=_UNUSED,
        data=_UNUSED,
        available_modules=frozenset(f"{name}.so" for name in REQUIRED_MODULES),
        music=_UNUSED,
        ami_user=main.asterisk.ami_user,
        ami_secret=ami_secret,
        ami_permit=tuple(dict.fromkeys(_network(server) for server in servers)),
        agi_servers=servers,
        phones=tuple(PhoneAccount(phone, sip.get(phone, ""), names.get(phone, phone)) for phone in site.phones),
        numbers=tuple(site.numbers),
        any_number=bool(site.default_flow),
        trunks=site.trunks,
        outbound=tuple(main.transfer.allow),
        fallback=main.asterisk.fallback.dial,
        rounds=rounds_within(main.asterisk.fallback.after // 1000),
        max_call=main.asterisk.max_call_length // 1000,
        rtp_timeout=main.asterisk.rtp_timeout // 1000,
        country=main.country.lower(),
    )
    return replace(plan, stamp=_stamp(plan))


def stamp(site: Site) -> str:
    """What the dialplan that is printed now says of itself; another version of Hotline, or other settings, say something else."""
    return attached_plan(site, _ANY_SERVER, "", {}).stamp


def pieces(plan: Plan, *, phones: bool, trunks: bool) -> dict[str, str]:
    """File -> what is to be added to it. Raises ConfigurationError."""
    files = render(plan)
    accounts = {"hotline-phone", "hotline-place", *(phone.name for phone in plan.phones)} if phones else set()
    expected = accounts | (set(plan.trunks) if trunks else set())
    sip = [body for name, body in _sections(files["pjsip.conf"]) if name in expected]
    already = PHONES_ALREADY_THERE.format(rtp_timeout=plan.rtp_timeout, max_call=plan.max_call)
    return {
        "extensions.conf": "\n".join(body for _, body in _sections(files["extensions.conf"])),
        "manager.conf": "\n".join(body for name, body in _sections(files["manager.conf"]) if name == plan.ami_user),
        "features.conf": "\n".join(body for name, body in _sections(files["features.conf"]) if name == "featuremap"),
        "modules.conf": "\n".join(["", "[modules](+)", *(f"load = {name}.so" for name in (*REQUIRED_MODULES, *CHECK_MODULES))]),
        "pjsip.conf": "\n".join(sip) if phones else "\n".join(["", already, *sip]),
    }


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Name and text of each section, with the comment before it."""
    blocks: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("["):
            comment = list(takewhile(lambda line: line.startswith(";"), reversed(blocks[-1])))[::-1]
            del blocks[-1][len(blocks[-1]) - len(comment) :]
            blocks.append([*comment])
        if not line.startswith("; ---"):
            blocks[-1].append(line)
    for block in blocks:
        names = [line[1:].partition("]")[0] for line in block if line.startswith("[")]
        if names:
            yield names[0], "\n".join(["", *block]).rstrip()


def _stamp(plan: Plan) -> str:
    """Where the servers are changes by itself, so it does not count."""
    text = render(replace(plan, agi_servers=_ANY_SERVER, stamp=""))["extensions.conf"]
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _network(server: str) -> str:
    """Who may log in to AMI: the machine of a server. One that is known by name only is asked for in words."""
    host = server.rpartition(":")[0]
    try:
        return f"{ip_address(host)}/255.255.255.255"
    except ValueError:
        return LOOPBACK
