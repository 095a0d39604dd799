"""Calls to the outside: how many there may be, and that none is dialled that costs too much. Whoever dials one asks here first."""
