"""Logs that grow too large are put aside, and no more than two of each are kept."""

from pathlib import Path

import pytest

from server.processes.log_rotation import put_aside, too_large

pytestmark = pytest.mark.unit


def test_a_large_log_is_put_aside_while_its_program_goes_on_writing(tmp_path: Path) -> None:
    """The program has the file open for appending: what it writes next stands at the beginning of the emptied file."""
    path = tmp_path / "asterisk.log"
    with path.open("a") as program:
        for number in range(1, 5):
            program.write(f"{number}" * 100)
            program.flush()
            assert too_large(tmp_path, largest=99) == [path]
            put_aside(path)
            assert too_large(tmp_path, largest=99) == []
        program.write("5")
    assert path.read_text() == "5"
    assert (tmp_path / "asterisk.log.1").read_text() == "4" * 100
    assert (tmp_path / "asterisk.log.2").read_text() == "3" * 100
    assert len(list(tmp_path.iterdir())) == 3
