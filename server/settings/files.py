"""The shape of each file in `config/`. Only shapes and single values are checked here; what must fit together is checked in load.py."""

import re
import shlex
from ipaddress import ip_network
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from ivr.loading.schema import Duration, Key, Settings, Text
from ivr.numbers import check_pattern
from routing.strategies import STRATEGIES


def _known_strategy(value: str) -> str:
    if value not in STRATEGIES:
        raise ValueError(f"unknown ring strategy '{value}'; known are {', '.join(sorted(STRATEGIES))}")
    return value


def _pattern(value: str) -> str:
    check_pattern(value)
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"unknown time zone '{value}'; write it like Asia/Shanghai or UTC") from None
    return value


def _country(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", value):
        raise ValueError(f"expected a country in two capital letters such as CN, found '{value}'")
    return value


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", value):
        raise ValueError(f"expected a name of letters, digits, _ and -, found '{value}'")
    return value


def _number(value: str) -> str:
    if not re.fullmatch(r"\+?[0-9*#]{1,20}", value):
        raise ValueError(f"expected a telephone number, found '{value}'")
    return value


def _account(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", value):
        raise ValueError(f"expected a SIP account of letters, digits, - and _, found '{value}'")
    return value


def _command(value: str) -> str:
    try:
        arguments = shlex.split(value)
    except ValueError as error:
        raise ValueError(f"a speech command that cannot be read: {error}") from None
    for needed in ("{text}", "{out}"):
        if not any(needed in argument for argument in arguments[1:]):
            raise ValueError(f"a speech command needs {needed}, as in: espeak-ng -w {{out}} {{text}}")
    return value


def _redis(value: str) -> str:
    if value and not re.match(r"(redis|rediss|unix)://.", value):
        raise ValueError(f"expected an address such as redis://host:6379/0, found '{value}'")
    return value


def _network(value: str) -> str:
    try:
        return str(ip_network(value))
    except ValueError:
        raise ValueError(f"expected an address such as 192.0.2.7 or a network such as 192.0.2.0/24, found '{value}'") from None


Network = Annotated[str, AfterValidator(_network)]
Strategy = Annotated[str, AfterValidator(_known_strategy)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Zone = Annotated[str, AfterValidator(_zone)]
Country = Annotated[str, AfterValidator(_country)]
Name = Annotated[str, AfterValidator(_name)]
PhoneNumber = Annotated[str, AfterValidator(_number)]
SipAccount = Annotated[str, AfterValidator(_account)]
SpeechCommand = Annotated[str, AfterValidator(_command)]
RedisUrl = Annotated[str, AfterValidator(_redis)]
Level = Annotated[int, Field(ge=1, le=5)]


class Fallback(Settings):
    """What is rung when no server is left, after callers have waited for one so long."""

    dial: str = ""
    after: Annotated[Duration, Field(ge=2_000, le=600_000)] = 22_000


class AsteriskFile(Settings):
    """The Asterisk that carries the calls."""

    mode: Literal["managed", "external"] = "managed"
    host: str = "127.0.0.1"
    ami_port: int = Field(0, ge=0, le=65535)  # external only
    ami_user: str = "hotline"
    ami_secret_file: str = ""  # external only: a file that holds the secret
    agi_from: list[Network] = []  # external only: where FastAGI connections may come from, beside `host` and this machine
    max_call_length: Duration = 4 * 3_600_000
    rtp_timeout: Duration = 30_000
    fallback: Fallback = Fallback()


class RedisFile(Settings):
    """Where the state lives; no url means a private server in the state folder."""

    url: RedisUrl = ""


class TransferFile(Settings):
    """The only numbers that calls are ever transferred to."""

    allow: list[Pattern] = []


class LimitsFile(Settings):
    """What the servers of this machine take on: how many there are, and what each does."""

    nodes: int = Field(1, ge=1, le=8)
    calls: int = Field(2000, ge=1, le=100_000)
    drain: Duration = 60_000


class HotlineFile(Settings):
    """hotline.yaml"""

    site: Name = "hotline"
    country: Country = "CN"
    time_zone: Zone = "Asia/Shanghai"
    languages: list[Name] = Field(["zh", "en"], min_length=1)
    asterisk: AsteriskFile = AsteriskFile()
    redis: RedisFile = RedisFile()
    speech: dict[str, SpeechCommand] = {}
    transfer: TransferFile = TransferFile()
    emergency: list[PhoneNumber] = []
    pause_reasons: dict[Key, str] = {}
    limits: LimitsFile = LimitsFile()
    lookup_headers: dict[str, str] = {}


class NumbersFile(Settings):
    """numbers.yaml"""

    numbers: dict[PhoneNumber, str] = {}
    default: str = ""


class ServiceLevel(Settings):
    """So many percent answered within the threshold."""

    threshold: Duration = 20_000
    target: int = Field(80, ge=1, le=100)


class AnnouncePosition(Settings):
    """When a waiting caller hears the position; 0 is never."""

    first: Duration = 10_000
    every: Duration = 30_000


class QueueFile(Settings):
    """One queue of queues.yaml, or its defaults."""

    name: Text = {}
    strategy: Strategy = "longest_idle"
    ring_timeout: Duration = 15_000
    wrap_up: Duration = 10_000
    max_wait: Duration = 600_000
    max_waiting: int = Field(200, ge=1)
    priority: int = 0
    weight: float = Field(1.0, gt=0)
    service_level: ServiceLevel = ServiceLevel()
    pause_after: dict[Literal["rang_out", "declined", "busy", "unreachable"], Annotated[int, Field(ge=0)]] = {
        "rang_out": 1,
        "unreachable": 1,
    }
    offer_again_after: Duration = 15_000
    join_when: Literal["always", "staffed", "ready"] = "always"
    announce_position: AnnouncePosition = AnnouncePosition()


class QueuesFile(Settings):
    """queues.yaml"""

    defaults: QueueFile = QueueFile()
    queues: dict[Name, QueueFile] = {}


class AgentFile(Settings):
    """One agent of agents.yaml."""

    name: str
    phone: SipAccount
    skills: dict[Name, Level] = {}
    queues: list[str] = []
    wrap_up: Duration | None = None


class AgentsFile(Settings):
    """agents.yaml"""

    agents: dict[Name, AgentFile] = {}


class HoursFile(Settings):
    """One calendar of hours.yaml."""

    week: dict[str, str] = {}
    holidays: str | list[str] = ""
    dates: dict[str, str] = {}


class AllHoursFile(Settings):
    """hours.yaml"""

    hours: dict[Name, HoursFile] = {}
