"""What can go wrong on an AGI session, as one tree below pyst2's own exceptions, so that `except AGIHangup` of a pyst2 script still works.

AGIException                     pyst2
 +- AGIError                     pyst2
     +- UnsafeValue              we misused it: a value that cannot go into one command line (also a ValueError)
     +- AGIInvalidCommand        pyst2: 510, Asterisk does not know the command (module not loaded?)
     +- AGIUsageError            pyst2: 520, Asterisk knows it but not with these arguments
     +- ProtocolViolation        they misbehaved: what arrives is not AGI; the session is closed
     +- AGIUnknownError          pyst2: a reply code that AGI does not define
     +- ListenFailed             the world failed: the port cannot be listened on (also an OSError)
     +- AGIAppError              pyst2: the command ran and failed
         +- CommandFailed        result=-1 while the channel lives
         |   +- SoundMissing     ... of STREAM FILE: no such file in a format that Asterisk can play
         +- AGIDBError           pyst2: no such key in Asterisk's database
         +- AGIHangup            pyst2
             +- ChannelHungUp    this AGI session is over; that does NOT prove that the call ended
"""

from asterisk.agi import AGIAppError, AGIDBError, AGIError, AGIException, AGIHangup, AGIInvalidCommand, AGIUnknownError, AGIUsageError

__all__ = [
    "AGIAppError",
    "AGIDBError",
    "AGIError",
    "AGIException",
    "AGIHangup",
    "AGIInvalidCommand",
    "AGIUnknownError",
    "AGIUsageError",
    "ChannelHungUp",
    "CommandFailed",
    "ListenFailed",
    "ProtocolViolation",
    "SoundMissing",
    "UnsafeValue",
]


class UnsafeValue(AGIError, ValueError):
    """A value that would end the command line, start another one, or be cut by Asterisk. The message never shows the value."""


class ProtocolViolation(AGIError):
    """The peer sends something that is not AGI. `reason` is one word for counting, the message says what was found."""

    def __init__(self, reason: str, found: str) -> None:
        super().__init__(f"{reason}: {found}")
        self.reason = reason
        self.found = found


class ListenFailed(AGIError, OSError):
    """The FastAGI port cannot be listened on; the message says why and what to do."""


class CommandFailed(AGIAppError):
    """A command came back with result=-1 although the channel is there."""


class SoundMissing(CommandFailed):
    """STREAM FILE found no file of that name in any format that Asterisk can play."""


class ChannelHungUp(AGIHangup):
    """This AGI session is over (HANGUP line, end of file, reset, or 511).

    It is not the end of the call: transfers and AMI Redirect end a session too. Only AMI `Hangup` ends a call.
    """
