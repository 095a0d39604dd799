"""Runs Hotline together: settings, Asterisk and Redis processes, HTTP, command line."""
