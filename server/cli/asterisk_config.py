"""`./hotline asterisk-config`: prints what an Asterisk that somebody else runs needs, file by file."""

from server.asterisk.configuration import ConfigurationError, Plan
from server.cli.options import CommandFailed, Options, say
from server.cli.site import checked_site
from server.external.attached import attached_plan, pieces
from server.node_settings import ami_secret
from server.settings import Site
from server.state_folder.folder import StateFolder, StateFolderError, make_state_folder
from server.state_folder.ports import PortError, Ports, read_ports
from server.state_folder.secrets import SecretsError, secrets_for

PLACEHOLDER = "CHANGE-ME"
HEAD = """\
; Hotline: what your own Asterisk 20 or newer needs. Nothing that it has is changed. docs/operations.md goes through the steps.
;
; 1. Add each part below to the end of the file that is named above it.
; 2. In [general] of manager.conf: enabled = yes and channelvars = HOTLINE_OFFER (to a channelvars line that is there, add ,HOTLINE_OFFER).
; 3. Send calls to Hotline: Goto(hotline,${{EXTEN}},1) where they come in, or context = hotline-trunks for a line that is for Hotline alone;
;    include => hotline-agents in the context of agents' phones.
; 4. asterisk -rx "core reload"; where modules.conf was changed, restart Asterisk.
; 5. In config/hotline.yaml: asterisk: {{mode: external, host: ADDRESS, ami_user: {user}}}
; 6. ./hotline asterisk-check says what is still missing.{placeholder}"""
NOTES = {
    "manager.conf": "; permit: the machine that Hotline runs on, as Asterisk sees it.",
    "features.conf": "; For calls in which transfers by key are allowed. Where [featuremap] is there, put the two lines into it.",
    "modules.conf": "; With autoload = yes and without noload lines for these there is nothing to add.",
}


def run(options: Options) -> int:
    """Prints the pieces."""
    site = checked_site(options)
    try:
        plan = _plan(site, options)
        parts = pieces(plan, phones=options.given.phones, trunks=options.given.trunks)
    except (ConfigurationError, PortError, SecretsError, StateFolderError) as reason:
        raise CommandFailed(str(reason)) from None
    note = "" if options.given.secret else f"\n; {PLACEHOLDER} stands for passwords: --secret prints this site's."
    say(HEAD.format(user=plan.ami_user, placeholder=note))
    for name, text in parts.items():
        say(f"\n; ===== {name} " + "=" * 60)
        say("\n".join([*([NOTES[name]] if name in NOTES else []), text]))
    return 0


def _plan(site: Site, options: Options) -> Plan:
    state = StateFolder(options.state)
    ports = read_ports(state.path) or Ports()
    secret, accounts = PLACEHOLDER, dict.fromkeys(site.phones, PLACEHOLDER)
    if options.given.secret:
        make_state_folder(state.path, ())
        known = secrets_for(state.path, site.phones)
        secret, accounts = ami_secret(site, known), known.sip
    servers = tuple(options.given.agi) or tuple(f"127.0.0.1:{ports.agi + number}" for number in range(site.main.limits.nodes))
    return attached_plan(site, servers, secret, accounts)
