"""`./hotline asterisk-check`: asks the Asterisk that this site is attached to whether it has everything that Hotline needs."""

import asyncio

from agi.ami.errors import AmiError
from routing.domain.identifiers import Ids
from server.cli.options import CommandFailed, Options, say
from server.cli.site import checked_site, counted
from server.external.gaps import Gap
from server.external.preflight import asterisk_gaps
from server.external.reachability import Unreachable, why_no_ami
from server.installation import Installation
from server.node_settings import node_settings
from server.state_folder.folder import StateFolder
from server.state_folder.ports import PortError, Ports, read_ports
from server.state_folder.secrets import SecretsError, secrets_for


def run(options: Options) -> int:
    """0 when nothing dangerous is missing."""
    site = checked_site(options)
    if site.main.asterisk.mode != "external":
        raise CommandFailed("this site runs an Asterisk of its own, which has everything; asterisk-check is for asterisk.mode: external")
    state = StateFolder(options.state)
    if not site.main.asterisk.ami_secret_file and not state.secrets_file.is_file():
        raise CommandFailed("there is no AMI secret yet: ./hotline asterisk-config --secret makes one and prints it")
    try:
        known = secrets_for(state.path, ())
        ports = read_ports(state.path) or Ports()
        settings = node_settings(site, Installation(state.path), ports=ports, secrets_known=known)
        gaps = asyncio.run(asterisk_gaps(site, settings, Ids()))
    except AmiError as away:
        raise CommandFailed(why_no_ami(site, settings, away)) from None
    except (Unreachable, PortError, SecretsError, OSError) as reason:
        raise CommandFailed(str(reason)) from None
    host, port = settings.ami_address
    say(f"Asterisk at {host}:{port}: {summary(gaps)}")
    for line in lines(gaps):
        say(line)
    return 1 if any(gap.dangerous for gap in gaps) else 0


def summary(gaps: list[Gap]) -> str:
    """How it stands, in a few words."""
    dangerous = sum(gap.dangerous for gap in gaps)
    if not gaps:
        return "it has everything that Hotline needs."
    if not dangerous:
        return f"it can be used; {counted(len(gaps), 'thing')} would be better."
    return f"it cannot be used yet: {counted(dangerous, 'thing')} missing."


def lines(gaps: list[Gap]) -> list[str]:
    """One line each."""
    return [f"  {'missing' if gap.dangerous else 'warning'}  {gap.words[0].upper()}{gap.words[1:]}" for gap in gaps]
