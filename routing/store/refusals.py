"""A Redis that answers and does not do what it is asked: it does not let us in, or it takes no writes. In words, and in the log."""

from collections.abc import Callable

import structlog
from redis.exceptions import (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    AuthorizationError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)

log = structlog.get_logger(__name__)

_LOGIN = (AuthenticationError, AuthenticationWrongNumberOfArgsError, AuthorizationError, NoPermissionError)
_NO_SPACE = "No space left on device"
LOG_AGAIN_S, LONGEST_S = 60.0, 3600.0  # until a refusal that lasts is logged once more: the first pause, and the longest
STEADY_S = 2.0  # a Redis on its limit takes one and refuses the next: it takes writes again when it has refused none for so long


def is_login_refusal(error: BaseException) -> bool:
    """Whether it answered and did not let us in; while connecting redis-py hides that in an error of the connection."""
    said = str(error).lower()
    return isinstance(error, _LOGIN) or any(words in said for words in ("invalid username-password", "noauth", "already authenticated"))


def login_refusal(error: Exception) -> str:
    """How it refused us, and what to do. Its own words name no password."""
    said = str(error)
    todo = "write it into the file that redis.password_file names, or into redis.url (redis://:PASSWORD@HOST:PORT/0)"
    if isinstance(error, NoPermissionError):
        return f"does not let our user do what is needed ({said}): give it all commands and keys in Redis' ACL"
    if any(words in said.lower() for words in ("required", "noauth", "already authenticated")):
        return f"wants a password, and none is configured: {todo}"
    return f"refused the password ({said}): {todo}"


def write_refusal(error: BaseException, folder: str) -> str:
    """Why it takes no writes, and what to do; "" when it refused for another reason. `folder`: where it keeps its data."""
    said = str(error).partition(" script: ")[0]
    if isinstance(error, ReadOnlyError):
        return "it is a replica, which can only be read: let redis.url name the primary"
    if isinstance(error, OutOfMemoryError):
        return "its memory is used up (maxmemory): free some, or let it have more"
    if not isinstance(error, ResponseError):
        return ""
    if said.startswith("NOREPLICAS"):
        return "fewer replicas follow it than min-replicas-to-write wants: start them, or lower that setting"
    if said.startswith("MISCONF"):
        said = said.removeprefix("MISCONF ").partition(". ")[0].rstrip(".")
        disk = "the disk is full" if _NO_SPACE in said else "its disk is full or cannot be written"
        return f"{disk} ({said}): free space in {folder}"
    return ""


class Writes:
    """Whether Redis takes what we write. Logged when it does not, once more after pauses that grow while that lasts, and when it
    does again. `on_change` is called with the reason, and with "" when it is over."""

    def __init__(self, address: str, now_s: Callable[[], float], *, is_logged: bool = True) -> None:
        self.refused = ""  # why it takes none, with what to do; "" while it does
        self.on_change: Callable[[str], None] = lambda why: None
        self._address = address
        self._now_s = now_s
        self._is_logged = is_logged
        self._since_s = self._told_s = self._last_s = 0.0
        self._pause_s = LOG_AGAIN_S

    def refuse(self, why: str) -> str:
        """A write was refused; gives the sentence that says so."""
        now_s, before = self._now_s(), self.refused
        self._last_s = now_s
        self.refused = f"Redis at {self._address} takes no writes: {why}; until then nobody is routed"
        if not before:
            self._since_s, self._pause_s = now_s, LOG_AGAIN_S
        elif now_s - self._told_s >= self._pause_s:
            self._pause_s = min(2 * self._pause_s, LONGEST_S)
        elif before == self.refused:
            return self.refused
        self._told_s = now_s
        if self._is_logged:
            log.error("redis_takes_no_writes", reason=self.refused, for_s=round(now_s - self._since_s))
        if before != self.refused:
            self.on_change(self.refused)
        return self.refused

    def taken(self) -> None:
        """A write was taken."""
        if self.refused and self._now_s() - self._last_s >= STEADY_S:
            self.refused = ""
            if self._is_logged:
                log.info("redis_takes_writes", address=self._address, after_s=round(self._now_s() - self._since_s))
            self.on_change("")
