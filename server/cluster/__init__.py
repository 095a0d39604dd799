"""Several servers at one Asterisk: the list of them, calls that lost theirs, and what is told again after a loss."""
