"""The layout in docs/design.md is that of the code."""

from tests import layout


def test_the_layout_is_drawn() -> None:
    """A folder or a layer that changed is drawn anew by `python tests/layout.py`."""
    assert layout.DESIGN.read_text() == layout.drawn()


def test_every_folder_has_a_sentence() -> None:
    """A newcomer finds the room of a change by reading these."""
    assert [row for row in layout.picture().splitlines() if row.startswith("| `") and row.endswith("|  |")] == []
