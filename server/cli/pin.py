"""`./hotline pin`: asks for an agent's PIN and prints what stands for it in agents.yaml."""

import getpass
import warnings

from server.cli.options import CommandFailed, Options, say
from server.settings import pins


def run(options: Options) -> int:
    """0 when a hash was printed. The PIN is asked for twice and shown nowhere."""
    warnings.simplefilter("ignore", getpass.GetPassWarning)  # it may come from a pipe
    try:
        pin = getpass.getpass("PIN (digits; it is not shown): ").strip()
        if wrong := pins.fault(pin):
            raise CommandFailed(f"{wrong}: nothing was made")
        if getpass.getpass("The same again: ").strip() != pin:
            raise CommandFailed("these were two different PINs: nothing was made")
    except EOFError:
        raise CommandFailed("no PIN was given: type it, twice") from None
    say("Put this line under the agent in config/agents.yaml:")
    say(f'    pin: "{pins.hashed(pin)}"')
    return 0
