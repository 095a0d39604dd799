"""What can go wrong with a phone, as one tree; each message says what was found and what to do. Nothing here is raised by the transport."""


class PhoneError(Exception):
    """Base of everything this phone raises on purpose."""


class MalformedSip(PhoneError, ValueError):
    """Bytes from outside that are not a usable SIP message (or part of one)."""


class MalformedSdp(PhoneError, ValueError):
    """A session description that offers nothing we can talk with."""


class MalformedRtp(PhoneError, ValueError):
    """A datagram on the media port that is not an RTP packet."""


class RegistrationFailed(PhoneError):
    """The registrar refused or did not answer; `status` is the SIP status, 408 for silence."""

    def __init__(self, user: str, status: int, reason: str) -> None:
        super().__init__(
            f"registration of {user!r} ended with {status} {reason}: check the account, its password and that the server is up"
        )
        self.status = status


class CallRefused(PhoneError):
    """The call ended before it was answered, or the far end refused a request in it; `status` is the SIP status, 0 if there was none."""

    def __init__(self, what: str, status: int, reason: str) -> None:
        super().__init__(f"{what} was not accepted: {status} {reason}".rstrip())
        self.status = status


class CallOver(PhoneError):
    """Something was asked of a call that is not (or no longer) talking."""
