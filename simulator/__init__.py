"""Stands in for the world: SIP phones, demo traffic, a fake Asterisk, a virtual clock."""
