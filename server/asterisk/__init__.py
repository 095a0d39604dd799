"""What an Asterisk of this site is told: its configuration files, written from the settings, and the names shared with its dialplan."""
