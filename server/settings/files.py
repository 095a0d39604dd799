"""The shape of the files in `config/` that say what the site is; queue_files.py and agent_files.py have the other two.

Only shapes and single values are checked here; what must fit together is checked by whoever reads the file.
"""

from typing import Annotated, Literal

from pydantic import Field

from routing.domain.model import BreakLimit, Choice, Directory
from server.settings.policies import PolicySettings
from server.settings.values import Country, Name, Network, Pattern, PhoneNumber, RedisUrl, SpeechCommand, Zone
from sources.schema import Duration, Key, Settings, Text


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
    ami_secret_file: str = ""  # external only: a file with the secret in it
    agi_from: list[Network] = []  # external only: where FastAGI connections may come from, beside `host` and this machine
    max_call_length: Duration = 4 * 3_600_000
    rtp_timeout: Duration = 30_000
    fallback: Fallback = Fallback()


class RedisFile(Settings):
    """Where the state lives; no url means a private server in the state folder."""

    url: RedisUrl = ""
    password_file: str = ""  # with `url` only: a file with the password in it


class TransferFile(Settings):
    """The only numbers that calls are ever transferred to."""

    allow: list[Pattern] = []


class OutboundFile(Settings):
    """How many calls to the outside there may be, and which numbers are too costly: against toll fraud."""

    per_minute: int = Field(60, ge=1)
    per_day: int = Field(5_000, ge=1)
    trunk_per_minute: int = Field(60, ge=1)
    trunk_per_day: int = Field(5_000, ge=1)
    user_per_minute: int = Field(20, ge=1)
    user_per_day: int = Field(1_000, ge=1)
    refuse: list[PhoneNumber] = []  # beginnings of numbers
    costly: list[Pattern] = []  # premium and satellite numbers that may be dialled all the same


class RoutingFile(Settings):
    """Which queue's caller an agent of several queues takes."""

    choice: Choice = Directory({}, {}).choice


BREAK = BreakLimit()  # a pause reason without a limit


class BreakFile(PolicySettings):
    """The limit of one pause reason; 0 is none."""

    at_once: int = Field(BREAK.at_once, ge=0)
    longest_ms: Duration = BREAK.longest_ms


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
    outbound: OutboundFile = OutboundFile()
    pause_reasons: dict[Key, str] = {}
    breaks: dict[str, BreakFile] = {}
    not_ready: BreakFile = BreakFile()
    routing: RoutingFile = RoutingFile()
    limits: LimitsFile = LimitsFile()
    lookup_headers: dict[str, str] = {}


class NumbersFile(Settings):
    """numbers.yaml"""

    numbers: dict[PhoneNumber, str] = {}
    default: str = ""


class HoursFile(Settings):
    """One calendar of hours.yaml."""

    week: dict[str, str] = {}
    holidays: str | list[str] = ""
    dates: dict[str, str] = {}


class AllHoursFile(Settings):
    """hours.yaml"""

    hours: dict[Name, HoursFile] = {}


class TeamFile(Settings):
    """One team of teams.yaml; `leaders` are agents."""

    names: Text = Field({}, alias="name")
    leaders: list[str] = []


class TeamsFile(Settings):
    """teams.yaml"""

    teams: dict[Name, TeamFile] = {}


class CallerListFile(Settings):
    """One list of callers.yaml: `priority` seconds are added to the wait of these numbers."""

    priority: int = Field(0, ge=-3600, le=86_400)
    numbers: list[str] = []
    file: str = ""


class CallersFile(Settings):
    """callers.yaml"""

    lists: dict[Name, CallerListFile] = {}
