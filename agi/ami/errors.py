"""What can go wrong with AMI: we misused it, Asterisk misbehaved or refused, or the link is not there.

AmiError
  AmiBadField        we tried to send something that would break the framing (also a ValueError)
  AmiProtocolError   the other side does not speak AMI, or sends without end
  AmiRefused         Asterisk answered with an error
    AmiLoginRefused
  AmiTimeout         no answer in time; whether Asterisk did it is unknown
  AmiNotConnected    there is no link now; nothing was sent
    AmiLinkLost      the link went away before the answer; whether Asterisk did it is unknown
"""


class AmiError(Exception):
    """Anything that went wrong with AMI."""


class AmiBadField(AmiError, ValueError):
    """A key or value that may not go on the wire."""


class AmiProtocolError(AmiError):
    """Bytes that are not AMI."""


class AmiRefused(AmiError):
    """Asterisk refused the action; `action` is its name, `reason` Asterisk's own words."""

    def __init__(self, action: str, reason: str) -> None:
        super().__init__(f"Asterisk refused the AMI action {action}: {reason or 'no reason given'}")
        self.action = action
        self.reason = reason


class AmiLoginRefused(AmiRefused):
    """User name or secret is wrong, or this address is not permitted."""


class AmiTimeout(AmiError):
    """No answer in time."""


class AmiNotConnected(AmiError):
    """No link to Asterisk's manager port."""


class AmiLinkLost(AmiNotConnected):
    """The link went away while an action waited for its answer."""
