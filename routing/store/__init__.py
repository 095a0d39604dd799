"""Keeps the state of a routing domain: in memory (for tests, the simulator and as readable specification) or in Redis."""
