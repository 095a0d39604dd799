"""Decides who talks to whom, and keeps that decision true. Knows nothing of Asterisk, HTTP or flows."""
