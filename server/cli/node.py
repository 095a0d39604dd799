"""`./hotline node`: one server node in this process, for a supervisor or a container."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import uvloop

from server.cli.options import CommandFailed, Options
from server.disk import is_of_disk, sentence
from server.logs import set_up_logs
from server.node.start import run_node
from server.settings import fingerprint, load_site
from server.state_folder.ports import PortError
from server.state_folder.secrets import SecretsError, secrets_for
from sources.problems import ProblemsFound


def run(options: Options) -> int:
    """Returns when the node has drained. With --wait it begins when a line comes; without one, since `up` is gone, never."""
    program = fingerprint.of_program()
    if options.given.wait:
        with contextlib.suppress(ProblemsFound, OSError):
            load_site(options.config, options.dialplans)  # whatever that loads is loaded then; it is read again in earnest
        if not sys.stdin.readline():
            return 0
    try:
        known = secrets_for(options.state, ())
        set_up_logs(secrets=[known.ami, *known.sip.values(), *known.tokens.values()])
        with _traced(os.environ.get("HOTLINE_TRACE", "")), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            given = options.given
            runner.run(run_node(options.config, options.dialplans, options.state, given.listen, given.number, program))
    except (ProblemsFound, PortError, SecretsError) as reason:
        raise CommandFailed(str(reason)) from None
    except OSError as error:
        raise CommandFailed(sentence(error, options.state) if is_of_disk(error) else str(error)) from None
    return 0


@contextlib.contextmanager
def _traced(folder: str) -> Iterator[None]:
    """With a folder in HOTLINE_TRACE: keep when the steps of calls happen, and write them there at the end."""
    if not folder:
        yield
        return
    from server.step_trace import Recorder

    recorder = Recorder()
    recorder.install()
    try:
        yield
    finally:
        recorder.write(Path(folder) / f"{os.getpid()}.steps")
