"""The server's log: readable lines on a terminal, else JSON lines. One way out for structlog and the standard library alike.

Two guards stand before it: fields whose names say that they are secrets or keyed digits are not written, and neither are known
secrets or long numbers (a caller's, a card's) wherever they stand in a text.
"""

import logging
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from server.terminal_text import plain, plain_json

HIDDEN = "***"
SPAN_S, MOST_LINES = 10.0, 50  # lines of one message in a span
SECRET_FIELDS = frozenset(
    {
        *("authorization", "headers", "password", "secret", "secrets", "ami_secret", "token", "tokens"),
        *("digit", "digits", "dtmf", "key", "keys", "pin", "typed"),
        *("account", "body", "caller", "data", "reply_data", "variables"),
    }
)
PLAIN_FIELDS = frozenset(
    {"event", "timestamp", "level", "logger", "call", "contact", "offer", "server", "position"}
)  # words and ids of ours
_LONG_NUMBER = re.compile(r"(?<![\w.])\+?\d{7,}(?!\.\d)(?!\w)")


def set_up_logs(*, secrets: Iterable[str] = (), level: str = "info", stream: TextIO | None = None, human: bool | None = None) -> None:
    """Once per process, before anything is logged. `human` None: when `stream` (stderr) is a terminal."""
    out = stream or sys.stderr
    human = out.isatty() if human is None else human
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="%H:%M:%S.%f" if human else "iso", utc=not human),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,  # plain: a traceback with variables would show what callers keyed
        Flood(time.monotonic),
        Redaction(secrets),
    ]
    renderer: Processor
    if human:
        shared.append(_printable)
        renderer = structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback)
    else:
        renderer = structlog.processors.JSONRenderer(serializer=plain_json)
    handler = Lines(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


class Lines(logging.StreamHandler[TextIO]):
    """A line that cannot be written, because the disk is full, is left out: nobody's call may end for it. The next line says how many."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        lost, self._lost = self._lost, 0
        try:
            if lost:
                self.stream.write(self.terminator)  # the last one may have been cut in the middle
            self.stream.write(self.format(record) + self.terminator)
            self.flush()
        except OSError:
            self._lost = lost + 1
        except Exception:
            self.handleError(record)
        else:
            if lost:
                structlog.get_logger(__name__).warning("log_lines_lost", lines=lost, reason="they could not be written: was the disk full?")


def bind_call(call: str) -> None:
    """Every line of this task, and of the tasks it starts from now on, carries the call's id."""
    structlog.contextvars.bind_contextvars(call=call)


class Flood:
    """A structlog processor that lets so many lines of one message through in a span; the first line after that says how many were left
    out. Warnings that callers can cause, each by another call, would fill the disk otherwise."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._span = 0
        self._lines = Counter[str]()
        self._left_out = Counter[str]()

    def __call__(self, logger: WrappedLogger, method: str, event_dict: EventDict) -> EventDict:
        span, message = int(self._now_s() / SPAN_S), str(event_dict.get("event"))[:100]
        if span != self._span:
            self._left_out = Counter({message: lines - MOST_LINES for message, lines in self._lines.items() if lines > MOST_LINES})
            self._span, self._lines = span, Counter()
        self._lines[message] += 1
        if self._lines[message] > MOST_LINES:
            raise structlog.DropEvent
        left_out = self._left_out.pop(message, 0)
        return {**event_dict, "left_out_before": left_out} if left_out else event_dict


def _printable(logger: WrappedLogger, method: str, event_dict: EventDict) -> EventDict:
    """For a terminal: a traceback keeps its lines, anything else has one."""
    for name, value in event_dict.items():
        if isinstance(value, str):
            event_dict[name] = plain(value, lines=name in ("exception", "stack"))
    return event_dict


class Redaction:
    """A structlog processor that hides what must not be written down."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= 6}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, logger: WrappedLogger, method: str, event_dict: EventDict) -> EventDict:
        for name, value in event_dict.items():
            if not name.startswith("_"):  # structlog's own
                event_dict[name] = self._shown(name, value)
        return event_dict

    def _shown(self, name: str, value: Any) -> Any:
        if name.lower() in SECRET_FIELDS and value not in ("", None):
            return HIDDEN
        if isinstance(value, str):
            return self._text(name, value)
        if isinstance(value, dict):
            return {key: self._shown(str(key), inner) for key, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._shown(name, inner) for inner in value]
        return value if isinstance(value, int | float | None) else self._text(name, str(value))

    def _text(self, name: str, text: str) -> str:
        if self._known:
            text = self._known.sub(HIDDEN, text)
        return text if name in PLAIN_FIELDS else _LONG_NUMBER.sub(_masked_number, text)


def _masked_number(found: re.Match[str]) -> str:
    """The last four digits stay, so that two numbers can be distinguished."""
    return HIDDEN + found.group()[-4:]
