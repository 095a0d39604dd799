"""What is written into the log, and what never is."""

import errno
import io
import json
import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from server.logs import bind_call, set_up_logs

pytestmark = pytest.mark.unit


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    """Where JSON lines go; everything is as before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    set_up_logs(secrets=["s3cr3t-token-of-viewer"], stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_is_json_with_time_level_and_call(out: io.StringIO) -> None:
    """A line carries its level, its logger, a time and the call that is bound."""
    bind_call("1790000000.7")

    structlog.get_logger("agi").warning("call_slow", took_ms=12)

    (line,) = lines(out)
    assert (line["event"], line["level"], line["call"], line["took_ms"]) == ("call_slow", "warning", "1790000000.7", 12)
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("field", ["pin", "digits", "key", "password", "token", "Authorization", "variables"])
def test_fields_that_hold_secrets_are_not_written(out: io.StringIO, field: str) -> None:
    """What a caller keyed and what opens doors is hidden by the name of its field, also inside other values."""
    structlog.get_logger().info("asked", **{field: "*4711#"}, nested={field: ["*4711#"]})

    assert "*4711#" not in out.getvalue()


def test_known_secrets_are_hidden_anywhere(out: io.StringIO) -> None:
    """A secret is hidden in the message, in other fields and in what the standard library logs."""
    structlog.get_logger().info("s3cr3t-token-of-viewer", reason="found s3cr3t-token-of-viewer here")
    logging.getLogger("aiohttp.server").error("bad request: %s", "Authorization: Bearer s3cr3t-token-of-viewer")

    assert len(lines(out)) == 2
    assert "s3cr3t" not in out.getvalue()


def test_secrets_in_an_exception(out: io.StringIO) -> None:
    """A traceback is written without secrets and without the values of variables."""
    pin = "card 4556737586899855"
    try:
        raise ValueError("s3cr3t-token-of-viewer")
    except ValueError:
        structlog.get_logger().exception("failed")

    assert "Traceback" in lines(out)[0]["exception"]
    assert "s3cr3t" not in out.getvalue()
    assert pin not in out.getvalue()


def test_long_numbers_keep_four_digits(out: io.StringIO) -> None:
    """A caller's or a card's number in a text keeps its last four digits; ids, ports and times stay."""
    structlog.get_logger().info("heard", reason="from +8613800138000 at 127.0.0.1:4573", uniqueid="1790000000.7", at_ms=1790000000000)

    (line,) = lines(out)
    assert line["reason"] == "from ***8000 at 127.0.0.1:4573"
    assert (line["uniqueid"], line["at_ms"]) == ("1790000000.7", 1790000000000)


def test_people_get_readable_lines(out: io.StringIO) -> None:
    """On a terminal there is no JSON; the guards are the same."""
    stream = io.StringIO()
    set_up_logs(stream=stream, human=True)

    structlog.get_logger("x").info("serving", pin="4711", http="127.0.0.1:8080")

    assert "serving" in stream.getvalue()
    assert "127.0.0.1:8080" in stream.getvalue()
    assert "4711" not in stream.getvalue()


def test_what_cannot_be_written_as_json_is_written_as_text(out: io.StringIO) -> None:
    """No value makes logging fail."""
    structlog.get_logger().info("odd", thing=object(), people={"a", "b"}, raw=b"\xff", name="王芳")

    assert lines(out)[0]["name"] == "王芳"


class FullDisk(io.StringIO):
    """Takes nothing while it is full; then the lines that come, behind half a line."""

    full = True

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(text)


def test_lines_that_cannot_be_written_are_left_out_and_counted(out: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    """A full disk ends nothing that logs, and says nothing on another way; when there is room the log says how much it lacks."""
    disk = FullDisk()
    set_up_logs(stream=disk)
    for _ in range(3):
        structlog.get_logger().info("lost")
    disk.full = False
    structlog.get_logger().info("written")
    structlog.get_logger().info("written")

    told = [json.loads(line) for line in disk.getvalue().splitlines() if line]
    assert [line["event"] for line in told] == ["written", "log_lines_lost", "written"]
    assert told[1]["lines"] == 3
    assert capsys.readouterr() == ("", "")
