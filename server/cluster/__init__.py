"""Several servers at one Asterisk: the list of them, calls that lost theirs, and what is reported again after a loss."""
