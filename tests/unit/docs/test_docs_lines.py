"""Lines of prose in documents are at most 120 characters long, so that they read in any editor and a change shows in few lines."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[3]
LONGEST = 120
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def long_lines(text: str) -> Iterator[int]:
    """Numbers of lines that are too long. A row of a table is one line by nature, and code is as it is."""
    code = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip().startswith("```"):
            code = not code
        elif not code and not line.lstrip().startswith("|") and len(line) > LONGEST:
            yield number


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_prose_is_wrapped(document: Path) -> None:
    assert list(long_lines(document.read_text(encoding="utf-8"))) == [], f"wrap these lines at {LONGEST}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a" * 120, []),
        ("a" * 121, [1]),
        ("short\n* " + "a " * 70, [2]),
        ("| " + "a" * 200 + " |", []),
        ("```\n" + "a" * 200 + "\n```\n" + "b" * 121, [4]),
        ("1. item\n\n   ```\n   " + "a" * 200 + "\n   ```\n", []),
    ],
)
def test_tables_and_code_are_as_long_as_they_are(text: str, found: list[int]) -> None:
    assert list(long_lines(text)) == found
