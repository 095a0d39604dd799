"""Talks with the caller, following a flow written in YAML, through a `Phone`. Knows neither Asterisk nor agents."""
