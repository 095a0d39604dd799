"""Decides: a board of records, fed with messages and with time, that brings contacts and agents together. Sans-I/O."""
