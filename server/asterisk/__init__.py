"""Configures an Asterisk of this site: its configuration files, written from the settings, and the names shared with its dialplan."""
