"""Serves callers: AGI sessions, a caller in a flow or a queue, and how far a call has come."""
