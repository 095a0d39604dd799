"""`./hotline up`: hands over to the supervisor."""

import asyncio

from server.cli.options import Options
from server.supervisor import UpOptions, up


def run(options: Options) -> int:
    """Returns when the site has stopped."""
    return asyncio.run(up(UpOptions(options.state, options.config, options.dialplans, options.given.listen)))
