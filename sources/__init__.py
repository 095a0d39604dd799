"""Reads YAML with positions, checks it against models and collects problems: for flows and configuration alike."""
