"""Asterisk alone, for a container of its own (`python -m`): writes the site's configuration and becomes Asterisk.

The server's container shares the state folder, where both find ports, secrets and sockets.
"""

import argparse
import sys
from pathlib import Path

from server.asterisk.configuration import ConfigurationError
from server.disk import is_of_disk, sentence
from server.install.asterisk import find_asterisk
from server.install.packages import InstallError
from server.install.programs import speech_program
from server.installation import Installation, asterisk_plan
from server.processes.asterisk_process import AsteriskProcess
from server.settings import load_site
from server.state_folder.port_claims import PortClaims
from server.state_folder.ports import PortError, ports_for, read_ports
from server.state_folder.secrets import SecretsError, secrets_for
from server.state_folder.sockets import SocketFolderError
from sources.problems import ProblemsFound


def main() -> int:
    parser = argparse.ArgumentParser(prog="asterisk_alone", description="Run this site's Asterisk and nothing else.")
    parser.add_argument("--state", type=Path, default=Path(".state"), help="state folder, shared with the server (.state)")
    parser.add_argument("--config", type=Path, default=Path("config"), help="the site's configuration (config)")
    parser.add_argument("--dialplans", type=Path, default=Path("dialplans"), help="the site's flows (dialplans)")
    parser.add_argument("--listen", default="127.0.0.1", help="address for SIP and RTP (127.0.0.1)")
    options = parser.parse_args()
    try:
        asterisk = _prepare(options.state, options.config, options.dialplans, options.listen)
        asterisk.become()
    except (ProblemsFound, PortError, SecretsError, InstallError, ConfigurationError, SocketFolderError) as reason:
        print(f"hotline: {reason}", file=sys.stderr)
        return 1
    except OSError as error:
        if not is_of_disk(error):
            raise
        print(f"hotline: {sentence(error, options.state)}", file=sys.stderr)
        return 1


def _prepare(state: Path, config: Path, dialplans: Path, listen: str) -> AsteriskProcess:
    def progress(line: str) -> None:
        print(f"hotline: {line}", file=sys.stderr, flush=True)

    site = load_site(config, dialplans)
    program = find_asterisk(progress)
    installation = Installation(state, listen, speech_program(progress))
    # The server may be running already: recorded ports are not probed again.
    ports = read_ports(state) or ports_for(state, PortClaims())
    secrets = secrets_for(state, installation.accounts(site))
    return AsteriskProcess(program, asterisk_plan(site, installation, program, ports, secrets))


if __name__ == "__main__":
    sys.exit(main())
