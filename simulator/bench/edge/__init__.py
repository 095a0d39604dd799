"""Attacks a site from outside while people talk - malformed messages, floods, slow connections - and listens whether they hear it."""
