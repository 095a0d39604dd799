"""The values that stand in `config/`: each is read from text, or refused with a sentence that says what was expected."""

import re
import shlex
from datetime import date
from ipaddress import ip_network
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field

from ivr.hours import parse_date
from ivr.numbers import check_pattern
from routing.board.strategies import STRATEGIES
from routing.domain.model import UNTIL_DONE
from server.settings.pins import is_hashed
from sources.problems import suggest
from sources.schema import parse_duration


def _known_strategy(value: str) -> str:
    if value not in STRATEGIES:
        raise ValueError(f"unknown ring strategy '{value}' - {suggest(value, STRATEGIES)}")
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


def _wrap_up(value: Any) -> int:
    words = {"none": 0, "until_done": UNTIL_DONE}
    if value in words:
        return words[value]
    try:
        return parse_duration(value)
    except ValueError as error:
        raise ValueError(str(error).replace("expected a duration", "expected none, until_done or a duration", 1)) from None


def _disposition_code(value: Any) -> str:
    if not re.fullmatch(r"[0-9]{1,4}", str(value)):
        raise ValueError(f"expected a code of 1 to 4 digits, which an agent can key, found '{value}'")
    return str(value)


def _outside(value: str) -> str:
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", value):
        raise ValueError(f"expected an outside number with its country, such as +8613800138000, found '{value}'")
    return value


def _word(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,39}", value):
        raise ValueError(f"expected a word of letters, digits and _, a letter first, found '{value}'")
    return value


def _attribute(value: str) -> str:
    if not value.isprintable() or '"' in value or not 0 < len(value) <= 80:
        raise ValueError("expected text of up to 80 characters without quotes")
    return value


def _login(value: Any) -> str:
    if not re.fullmatch(r"[0-9]{1,10}", str(value)):
        raise ValueError(f"expected up to 10 digits, which an agent can key, found '{value}'")
    return str(value)


def _pin(value: str) -> str:
    if re.fullmatch(r"[0-9\s*#-]*", value):
        raise ValueError("a PIN is never written down here: ./hotline pin asks for it and prints the line to put here")
    if not is_hashed(value):
        raise ValueError("this is no hash of a PIN: ./hotline pin prints one")
    return value


Day = Annotated[date, BeforeValidator(lambda value: parse_date(str(value)))]
Network = Annotated[str, AfterValidator(_network)]
Strategy = Annotated[str, AfterValidator(_known_strategy)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Zone = Annotated[str, AfterValidator(_zone)]
Country = Annotated[str, AfterValidator(_country)]
Name = Annotated[str, AfterValidator(_name)]
PhoneNumber = Annotated[str, AfterValidator(_number)]
AccountName = Annotated[str, AfterValidator(_account)]
SpeechCommand = Annotated[str, AfterValidator(_command)]
RedisUrl = Annotated[str, AfterValidator(_redis)]
Level = Annotated[int, Field(ge=1, le=5)]
WrapUp = Annotated[int, BeforeValidator(_wrap_up)]  # milliseconds, 0 for none, UNTIL_DONE
DispositionCode = Annotated[str, BeforeValidator(_disposition_code)]
OutsideNumber = Annotated[str, AfterValidator(_outside)]
Word = Annotated[str, AfterValidator(_word)]
Attribute = Annotated[str, AfterValidator(_attribute)]
LoginNumber = Annotated[str, BeforeValidator(_login)]
PinHash = Annotated[str, AfterValidator(_pin)]
