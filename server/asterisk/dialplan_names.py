"""Names that servers share with the dialplan (`templates/extensions.conf.j2`): variables, and where calls are taken up again."""

SERVERS = "HOTLINE_SERVERS"  # global: the addresses of the servers of this Asterisk
CLOSED = "HOTLINE_CLOSED"  # global, 1 while the site stops: Asterisk refuses new calls, and nobody waits for a server any more
RUN = "HOTLINE_RUN"  # global; an Asterisk that was started again does not have it any more
MOVED = "HOTLINE_MOVED"  # on a channel: its server gave the call away on purpose, with nothing lost that the caller keyed
AT = "HOTLINE_AT"  # on a channel: the server that it was handed to last, HOST:PORT, and the name of the AGI session behind a slash
CALLS = ("hotline", "resume")  # context and label where a caller's call is taken up again
TRANSFERS = ("hotline-passed-on", "1")  # the same of one that an agent has passed on
ODD_TARGET = "no*number"  # what an agent who passes a caller on has named, where that is no number and no phone's name
ALIVE = "alive"  # the AGI session by which servers ask each other for a word
