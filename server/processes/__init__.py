"""Runs a site on one machine: Asterisk, Redis and servers as processes that are started, adopted, watched and ended."""
