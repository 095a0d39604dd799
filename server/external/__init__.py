"""An Asterisk and a Redis of somebody else's: what they need, and whether they have it."""
