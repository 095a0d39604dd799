"""`./hotline bans`: the addresses that are banned at the SIP port of this site's Asterisk, and the end of a ban."""

from datetime import datetime
from ipaddress import ip_address

from server.access.doorkeeper import ask_to_lift, read_bans
from server.cli.options import CommandFailed, Options, say


def run(options: Options) -> int:
    """Lists the bans, or has one lifted."""
    bans = read_bans(options.state)
    if options.given.lift:
        try:
            address = str(ip_address(options.given.lift))
        except ValueError:
            raise CommandFailed(f"'{options.given.lift}' is no address: write one such as 192.0.2.10 or 2001:db8::5") from None
        if address not in bans:
            raise CommandFailed(f"{address} is not banned; ./hotline bans lists those that are")
        ask_to_lift(options.state, address)
        say(f"The ban of {address} ends as soon as ./hotline up has seen this, within some seconds.")
        return 0
    if not bans:
        say("No address is banned.")
    for address, ban in sorted(bans.items(), key=lambda known: known[1].until_s):
        until = datetime.fromtimestamp(ban.until_s).astimezone().isoformat(" ", "minutes")
        say(f"{address:40} until {until}{f', the {ban.times}. time in short' if ban.times > 1 else ''}")
    return 0
