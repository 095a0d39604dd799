"""`./hotline up`: runs the site until Ctrl-C, and says what can be done with it, or in one sentence why it does not start."""

import asyncio
import logging
import signal
from contextlib import suppress

import structlog

from server.asterisk.configuration import ConfigurationError
from server.cli.options import Options, site_folder, used_site
from server.disk import is_of_disk, sentence
from server.external.reachability import Unreachable
from server.install.packages import InstallError
from server.processes.child_process import ChildError
from server.processes.keeping import Say
from server.processes.supervisor import AlreadyRunning, Supervisor, UpOptions
from server.state_folder.folder import StateFolderError
from server.state_folder.ports import PortError
from server.state_folder.secrets import SecretsError
from server.state_folder.sockets import SocketFolderError
from sources.problems import ProblemsFound


def run(options: Options) -> int:
    """Returns when the site has stopped."""
    print(f"hotline: {used_site(options.config, options.dialplans)}", flush=True)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # what people need to know is said
    return asyncio.run(up(UpOptions(options.state, options.config, options.dialplans, options.given.listen)))


async def up(options: UpOptions, say: Say = print) -> int:
    """Returns the exit code."""
    say = _as_far_as_possible(say)
    site = Supervisor(options, say)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: None)  # there is nothing to start anew yet
    try:
        await site.start()
        for line in (*(f"hotline: {warning}" for warning in site.site.warnings), *_welcome(site)):
            say(line)
        await site.watch()
    except (
        ProblemsFound,
        AlreadyRunning,
        PortError,
        SecretsError,
        InstallError,
        ChildError,
        ConfigurationError,
        SocketFolderError,
        StateFolderError,
        Unreachable,
    ) as reason:
        say(f"hotline: {reason}")
        return 1
    except OSError as error:
        if not is_of_disk(error):
            raise
        say(f"hotline: {sentence(error, options.state)}")
        return 1
    finally:
        await site.stop()
    return 0


def _as_far_as_possible(say: Say) -> Say:
    """Whoever read our words may be gone, or their disk full; that ends no site."""

    def print_if_possible(line: str) -> None:
        with suppress(OSError):
            say(line)

    return print_if_possible


def _welcome(site: Supervisor) -> list[str]:
    """What can be done now."""
    state = site.options.state
    numbers = ", ".join(site.site.numbers) or "any number"
    where = f"on SIP port {site.ports.sip}" if site.site.main.asterisk.mode == "managed" else "through your Asterisk"
    option = "" if state.resolve() == (site_folder() / ".state").resolve() else f" --state {state}"
    if any(gap.dangerous for gap in site.gaps):
        numbers += " - when your Asterisk has what is missing (./hotline asterisk-check), which is noticed by itself; not ready yet -"
    return [
        f"ready: call {numbers} {where}; queue state at {site.url}/api/queues",
        f"  tokens and SIP passwords: {state / 'secrets.json'}; queues and agents: ./hotline status{option}; Ctrl-C stops",
    ]
