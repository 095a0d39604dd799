"""Writes this server's events into the log, and follows the log."""
