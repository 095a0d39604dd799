"""Where the program lies. Nobody else counts levels from its own file: a module that moves would look in the wrong folder."""

from pathlib import Path

HOME = Path(__file__).resolve().parents[1]  # has the packages, config/ and dialplans/
PACKAGES = ("agi", "ivr", "routing", "server", "sources")  # what a server runs
