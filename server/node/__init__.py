"""One server: it builds every part by hand, in order, runs them together and lets them go in order.

Asterisk and Redis run already; `server/processes/supervisor.py` (or whoever runs them) starts this as a process of its own.
"""
