"""Trunks, as config/trunks.yaml describes them."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Codec = Literal["alaw", "ulaw", "g722", "gsm", "opus"]


def _matching(pattern: str, expected: str) -> AfterValidator:
    """A check whose message is a sentence. What was found is only shown where it cannot be a secret."""
    form = re.compile(pattern)

    def check(value: str) -> str:
        if not form.fullmatch(value):
            raise ValueError(expected.format(found=repr(value[:60])))
        return value

    return AfterValidator(check)


Host = Annotated[
    str, _matching(r"[A-Za-z0-9_.:\[\]-]+", "expected a host such as sip.example.com, 192.0.2.10 or [2001:db8::1]:5080, found {found}")
]
Network = Annotated[
    str, _matching(r"[A-Za-z0-9_.:\[\]-]+(/[0-9.]+)?", "expected an address or a network such as 192.0.2.10 or 192.0.2.0/28, found {found}")
]
Account = Annotated[str, _matching(r'[^\s;"<>$\\]*', 'expected no spaces and none of ; " < > $ \\ in a user name or password')]
TrunkName = Annotated[
    str, _matching(r"[a-z][a-z0-9_-]{0,30}", "expected a name of small letters, digits, _ and -, a letter first, found {found}")
]
CallerId = Annotated[str, _matching(r"\+?[0-9]*", "expected a telephone number such as +861012345678, found {found}")]


class Trunk(BaseModel):
    """One line. `registration`: we log in to a carrier; `ip`: a gateway or carrier that is known by its address."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["registration", "ip"]
    host: Host  # the carrier's or gateway's SIP address, with :port when it is not 5060
    match: list[Network] = Field(default_factory=list)  # addresses or networks that calls come from; empty: `host`
    username: Account = ""
    password: Account = ""
    from_domain: Host | None = None  # where a carrier wants its own name in From
    codecs: list[Codec] = Field(default=["alaw", "ulaw"], min_length=1)
    dtmf: Literal["rfc4733", "inband", "info", "auto"] = "rfc4733"
    outbound: bool = False  # calls to the outside (transfers, emergency numbers, fallback) leave by this line; one at most
    caller_id: CallerId = ""  # our number, shown on those calls
    expiry: Annotated[int, Field(ge=60, le=86400)] = 600  # seconds between two registrations

    @model_validator(mode="after")
    def _registration_has_an_account(self) -> "Trunk":
        if self.kind == "registration" and not (self.username and self.password):
            raise ValueError("a trunk of kind registration needs username and password")
        return self

    @property
    def uri(self) -> str:
        return f"sip:{self.host}"

    @property
    def sources(self) -> list[str]:
        """Where its calls come from."""
        return list(self.match) or [re.sub(r":\d+$", "", self.host)]


class TrunksFile(BaseModel):
    """trunks.yaml"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trunks: dict[TrunkName, Trunk] = Field(default_factory=dict)
