"""Writes Asterisk's configuration as text from a plan: pure, no file is touched. What each file says is in `templates/`.

Every value that is put into a template is checked first: Asterisk's files know no quoting, so a value that could end its line,
begin a comment or be taken for a variable is refused with a sentence instead of being escaped.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from server.asterisk.dialplan_names import ODD_TARGET
from server.asterisk.modules import AMI_EVENTS, OPTIONAL_MODULES, REQUIRED_MODULES
from server.settings.trunks import Trunk

# What agents key on their phones: code -> the words that the server's AGI session `agent` gets as agi_arg_1. *42N pauses with
# reason N, *46N says that a contact went as disposition N.
FEATURE_CODES: Mapping[str, str] = {
    "*40": "login",
    "*41": "logout",
    "*42": "pause",
    "_*42X": "pause ${EXTEN:3}",
    "*43": "resume",
    "*44": "end_wrap_up",
    "*45": "extend_wrap_up",
    "*46": "dispose",
    "_*46X": "dispose ${EXTEN:3}",
    "_*46XX": "dispose ${EXTEN:3}",
    "_*46XXX": "dispose ${EXTEN:3}",
    "_*46XXXX": "dispose ${EXTEN:3}",
    "*47": "desk_login",
}

# What can be called, without the single letters that Asterisk keeps for itself (h, i, t).
_EXTENSION_PATTERNS = ("_[+*#0-9]!", "_[a-zA-Z].")

_LONGEST_NUMBER = 32  # that lines may call
LONGEST_TARGET = 40  # of a transfer: the longest name of a phone; the patterns for it must stay below Asterisk's 255 signs

_NUMBER = re.compile(r"^\+?[0-9*#]{1,32}$")
_PATTERN = re.compile(r"^\+?[0-9XZN*#]{1,32}$")
_ADDRESS = re.compile(r"^[A-Za-z0-9_.-]+:\d+$")
_HARMFUL = re.compile(r'[\x00-\x1f\x7f;"<>$`\\]')


class ConfigurationError(Exception):
    """A value cannot stand in Asterisk's configuration; the message names it and says what is wrong."""


@dataclass(frozen=True, slots=True)
class PhoneAccount:
    """A SIP account. In context `agents` it may use feature codes and dial out where allowed, in `callers` only reach our own numbers."""

    name: str
    secret: str
    caller_name: str = ""
    caller_number: str = ""  # shown to whom it calls; its own name where empty
    context: str = "agents"
    contacts: int = 1  # how many devices may be registered at once


@dataclass(frozen=True, slots=True)
class Apology:
    """What a caller hears when no server is left: a sound file, absolute and without its ending, in a language."""

    language: str
    sound: Path


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the configuration depends on. Paths are absolute; times are seconds unless a name says otherwise."""

    state: Path
    run: Path  # short enough for a unix socket
    modules: Path
    data: Path
    available_modules: frozenset[str]  # "res_agi.so", as in the folder of modules
    music: Path  # a folder of sound files
    ami_user: str
    ami_secret: str
    agi_servers: tuple[str, ...]  # "127.0.0.1:4573", one per node
    phones: tuple[PhoneAccount, ...] = ()
    numbers: tuple[str, ...] = ()  # ours, as the trunks deliver them
    any_number: bool = True  # a trunk's call to a number that is not listed is ours, too
    trunks: Mapping[str, Trunk] = field(default_factory=dict)
    outbound: tuple[str, ...] = ()  # patterns that transfers and agents may dial; X is any digit
    emergency: tuple[str, ...] = ()
    fallback: str = ""
    apologies: tuple[Apology, ...] = ()
    listen: str = "127.0.0.1"
    sip_port: int = 5060
    ami_listen: str = "127.0.0.1"
    ami_port: int = 5038
    ami_permit: tuple[str, ...] = ("127.0.0.1/255.255.255.255",)
    rtp_first: int = 10000
    rtp_last: int = 14999
    max_call: int = 4 * 3600
    rtp_timeout: int = 30
    qualify: int = 20
    rounds: int = 46  # over all servers before the apology, with pauses up to half a second: 22 s, longer than a server takes to come back
    file_limit: int = 65536
    country: str = "us"  # of the tones
    system_name: str = ""  # in call ids, where there are several Asterisk machines
    attached: bool = False  # for an Asterisk that somebody else runs: nothing that is that Asterisk's own
    stamp: str = ""  # attached: distinguishes one text of the dialplan from another

    def __post_init__(self) -> None:
        for number in (*self.numbers, *self.emergency, *([self.fallback] if self.fallback else [])):
            _check(number, _NUMBER, "a telephone number: digits, with + in front if it is international")
        for pattern in self.outbound:
            _check(
                pattern, _PATTERN, "a number pattern: digits, X for any digit, N for 2-9, Z for 1-9, with + in front if it is international"
            )
        for server in self.agi_servers:
            _check(server, _ADDRESS, "an address HOST:PORT of a Hotline server")
        for phone in self.phones:
            _check(phone.name, re.compile(r"^[A-Za-z0-9_-]{1,40}$"), "a SIP account name: letters, digits, - and _")
            if phone.context not in ("agents", "callers"):
                raise ConfigurationError(f"the phone {phone.name} has the context {phone.context!r}; it is agents or callers")
        names = [phone.name for phone in self.phones]
        for name in names:
            if names.count(name) > 1 or name in self.trunks:
                raise ConfigurationError(f"the SIP account {name} is there twice: phones and trunks need names of their own")
        outbound = [name for name, trunk in self.trunks.items() if trunk.outbound]
        if len(outbound) > 1:
            raise ConfigurationError(f"the trunks {' and '.join(outbound)} are both outbound: calls to the outside leave by one")

    @property
    def outbound_trunk(self) -> str:
        """The trunk that calls to the outside take, or "" when there is none."""
        return next((name for name, trunk in self.trunks.items() if trunk.outbound), "")


def render(plan: Plan) -> dict[str, str]:
    """The files of Asterisk's configuration folder: name -> text. ConfigurationError names a value that cannot stand in them."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # here: a node, which must start soon, writes no configuration

    missing = [name for name in REQUIRED_MODULES if f"{name}.so" not in plan.available_modules]
    if missing:
        raise ConfigurationError(f"this Asterisk lacks modules that Hotline needs ({plan.modules}): {', '.join(missing)}")
    environment = Environment(
        loader=PackageLoader("server.asterisk", "templates"),
        undefined=StrictUndefined,
        finalize=_refuse_harmful,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters["pattern"] = lambda text: f"_{text}" if re.search("[XZN]", text) else text
    facts = {
        "plan": plan,
        "required_modules": REQUIRED_MODULES,
        "optional_modules": [name for name in OPTIONAL_MODULES if f"{name}.so" in plan.available_modules],
        "ami_events": AMI_EVENTS,
        "agents": [phone for phone in plan.phones if phone.context == "agents"],
        "features": FEATURE_CODES,
        "extension_patterns": _EXTENSION_PATTERNS,
        "longest_number": _LONGEST_NUMBER,
        "longest_target": LONGEST_TARGET,
        "odd_target": ODD_TARGET,
        "loopback_media": plan.listen not in ("0.0.0.0", "::"),
    }
    return {
        name.removesuffix(".j2"): environment.get_template(name).render(facts) for name in environment.list_templates(extensions=["j2"])
    }


def _check(value: str, expected: re.Pattern[str], words: str) -> None:
    if not expected.match(value) or value.endswith("\n"):
        raise ConfigurationError(f"{value!r} is not {words}")


def _refuse_harmful(value: object) -> object:
    if _HARMFUL.search(str(value)) and value not in FEATURE_CODES.values():
        raise ConfigurationError(
            f"{str(value)!r} cannot stand in Asterisk's configuration: control characters and any of ; \" < > $ ` \\ have a meaning there; "
            "write it without them"
        )
    return value
