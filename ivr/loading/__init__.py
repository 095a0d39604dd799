"""Reads flows and settings from YAML: text with positions first, types from the schema, every problem at once."""
