"""Starts a server for a state folder, or for an Asterisk and a Redis of somebody else's."""

import asyncio
from pathlib import Path

import structlog

from server.install.programs import speech_program
from server.installation import Installation
from server.node.node import Node
from server.node_settings import node_settings
from server.settings import fingerprint, load_site
from server.state_folder.port_claims import claims_of_servers
from server.state_folder.ports import PortError, ports_for, read_ports
from server.state_folder.secrets import secrets_for

log = structlog.get_logger(__name__)


async def run_node(config: Path, dialplans: Path, state: Path, listen: str, number: int = 0, program: str = "") -> None:
    """Serve a state folder that has its ports and secrets already. `program` is the fingerprint of the program that was loaded."""
    runs = f"{program}-{fingerprint.of_site(config, dialplans)}"
    site = load_site(config, dialplans)
    ports = read_ports(state)
    if ports is None and site.main.asterisk.mode == "managed":
        raise PortError(f"{state} has no ports.json: start the site with ./hotline up, which makes it")
    ports = ports or ports_for(state, claims_of_servers(), nodes=site.main.limits.nodes)
    installation = Installation(state, listen)
    installation.speech_program = await asyncio.to_thread(speech_program, log.info) if site.main.speech else None
    known = secrets_for(state, installation.accounts(site))
    await Node(site, node_settings(site, installation, ports=ports, secrets_known=known, number=number), runs).run()
