"""`./hotline asterisk-config`: what an Asterisk that somebody else runs needs, made from the same templates as the managed one's files."""

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from server.asterisk.configuration import ConfigurationError, PhoneAccount, Plan, render
from server.asterisk.modules import REQUIRED_MODULES
from server.cli.options import CommandFailed, Options, say
from server.cli.site import checked_site
from server.node_settings import ami_secret
from server.port_numbers import PortError, Ports, read_ports
from server.secrets_file import SecretsError, secrets_for
from server.settings import Site
from server.state_folder import StateFolder

PLACEHOLDER = "CHANGE-ME"
NOT_OURS = {"general", "global", "udp", "callers"}  # sections that such an Asterisk has itself
HEAD = """\
; Hotline: what your own Asterisk 20 or newer needs. Add each part to the file that is named above it, then reload Asterisk.
;
; In config/hotline.yaml:            asterisk: {{mode: external, host: ADDRESS, ami_user: {user}, ami_secret_file: FILE}}
; In [general] of manager.conf:      enabled = yes   and   channelvars = HOTLINE_OFFER
; In pjsip.conf:                     a transport named udp, or your own name for it in the parts below
; From your trunks' context:         Goto(hotline,${{EXTEN}},1)
; Modules beside the usual ones:     res_agi func_channel func_cut app_controlplayback res_musiconhold app_read app_userevent
;                                    res_pjsip_header_funcs
; Hotline must reach AMI (permit), Asterisk must reach the FastAGI ports (HOTLINE_SERVERS), and both must see Hotline's cache of prompts
; under the same path.{placeholder}"""


def run(options: Options) -> int:
    """Prints the pieces."""
    site = checked_site(options)
    try:
        plan = _plan(site, options)
        files = render(plan)
    except (ConfigurationError, PortError, SecretsError) as reason:
        raise CommandFailed(str(reason)) from None
    note = "" if options.given.secret else f" {PLACEHOLDER} stands for passwords: --secret prints this site's."
    say(HEAD.format(user=plan.ami_user, placeholder=note))
    for name in ("extensions.conf", "manager.conf", "pjsip.conf"):
        say(f"\n; ===== {name} " + "=" * 60)
        for section in sections(files[name]):
            say(section)
    return 0


def sections(text: str) -> Iterator[str]:
    """The sections of a configuration file that have to be added to one that is there already, each with the comment before it."""
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
        if names and names[0] not in NOT_OURS:
            yield "\n".join(["", *block]).rstrip()


def _plan(site: Site, options: Options) -> Plan:
    state, asterisk = StateFolder(options.state), site.main.asterisk
    ports = read_ports(state.path) or Ports()
    secret, phone_secrets = PLACEHOLDER, dict[str, str]()
    if options.given.secret:
        if not state.secrets_file.is_file():
            raise CommandFailed("there are no secrets yet: ./hotline up makes them at its first start")
        known = secrets_for(state.path, ())
        secret, phone_secrets = ami_secret(site, known), known.sip
    names = {agent.phone: agent.id for agent in site.directory.agents.values()}
    return Plan(
        state=state.path.absolute(),
        run=Path("/unused"),
        modules=Path("/unused"),
        data=Path("/unused"),
        available_modules=frozenset(f"{name}.so" for name in REQUIRED_MODULES),
        music=Path("/unused"),
        ami_user=asterisk.ami_user,
        ami_secret=secret,
        agi_servers=tuple(options.given.agi) or (f"127.0.0.1:{ports.agi}",),
        phones=tuple(PhoneAccount(phone, phone_secrets.get(phone, PLACEHOLDER), names.get(phone, phone)) for phone in site.phones),
        numbers=tuple(site.numbers),
        any_number=bool(site.default_flow),
        trunks=site.trunks,
        outbound=tuple(site.main.transfer.allow),
        emergency=tuple(site.main.emergency),
        fallback=asterisk.fallback.dial,
        listen="0.0.0.0",  # its own settings say where it listens
        max_call=asterisk.max_call_length // 1000,
        rtp_timeout=asterisk.rtp_timeout // 1000,
        country=site.main.country.lower(),
    )
