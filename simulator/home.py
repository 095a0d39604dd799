"""Where the program lies, for whoever starts a part of it as a process. Nobody else counts levels from its own file."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
