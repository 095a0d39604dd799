"""Lines from the outside, as config/trunks.yaml describes them."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Codec = Literal["alaw", "ulaw", "g722", "gsm", "opus"]
Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:\[\]-]+$")]
Network = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:\[\]-]+(/[0-9.]+)?$")]
Account = Annotated[str, StringConstraints(pattern=r"^[^\s;\"<>$\\]*$")]
TrunkName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,30}$")]


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
    caller_id: Annotated[str, StringConstraints(pattern=r"^\+?[0-9]*$")] = ""  # our number, shown on those calls
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
