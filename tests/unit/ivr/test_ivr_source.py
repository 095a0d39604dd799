"""YAML is text with positions, and whatever would silently change what was written is refused."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.composer import MAX_DEPTH
from sources.problems import Position, ProblemsFound
from sources.source import MAX_BYTES, parse_source, read_source

pytestmark = pytest.mark.unit


def problems(text: str) -> list[str]:
    with pytest.raises(ProblemsFound) as found:
        parse_source(text, "f.yaml")
    return [str(problem) for problem in found.value.problems]


def test_every_scalar_stays_the_text_that_was_written() -> None:
    """Telephone numbers, times, yes and no are never turned into something else."""
    source = parse_source("a: 0501234567\nb: 22:30\nc: no\nd: 1_000\ne: +8613800000000\nf: 2026-01-01\ng:\n0: x\n", "f")
    assert source.data == {
        "a": "0501234567",
        "b": "22:30",
        "c": "no",
        "d": "1_000",
        "e": "+8613800000000",
        "f": "2026-01-01",
        "g": "",
        "0": "x",
    }


def test_values_and_keys_know_their_place() -> None:
    """Positions count from 1, also behind Chinese text; an unknown way means the nearest place around it."""
    source = parse_source("nodes:\n  名字: {类型: [a, b]}\n", "f")
    assert source.where(("nodes", "名字", "类型", 1)) == Position("f", 2, 16)
    assert source.where_key(("nodes", "名字")) == Position("f", 2, 3)
    assert source.where(("nodes", "名字", "nothing", "deeper")) == Position("f", 2, 7)


def test_a_key_written_twice_names_the_earlier_place() -> None:
    """The last one does not silently win."""
    assert problems("a: 1\nb: 2\na: 3\n") == ["f.yaml:3:1: 'a' is written twice; first at line 1 - remove one of them"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("keys:\n  #: person\n", "2:3"),
        ("keys: {1: a, #: b}\n", "1:14"),
        ("keys: {#: b}\n", "1:8"),
        ("finish_key: #\n", "1:13"),
        ("keys: [*, #]\n", "1:11"),
        ("- #\n", "1:3"),
        ("a: 中文 #: x\n", "1:7"),
    ],
)
def test_a_hash_key_that_would_vanish_is_refused(text: str, place: str) -> None:
    """YAML takes an unquoted # for a comment: the key must be quoted."""
    assert f'f.yaml:{place}: YAML reads this # as the start of a comment - quote the key: "#"' in problems(text)


@pytest.mark.parametrize(
    "text",
    [
        "# only\n#\n#!/bin/x\n",
        "a: 1 # see #: x\n",
        'a: "#: x"\n',
        "a: |\n  #: x\n  #\nb: 1 #\n",
        '"#": x\n',
        "a: x#y\n",
        "a:  # why\n  b: 1\n",
    ],
)
def test_ordinary_comments_and_texts_with_a_hash_are_fine(text: str) -> None:
    """Only what looks like a lost key is refused."""
    parse_source(text, "f")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("*: x\n", 'f.yaml:1:1: a star must be quoted - write "*"'),
        ("a:\n\tb: 1\n", "f.yaml:2:1: a tab stands here - indent with spaces"),
        ("a: b: c\n", "f.yaml:1:5: a ': ' stands where none is expected"),
        ("a: &x 1\n", "f.yaml:1:4: anchors (&x) are not used here"),
        ("a: *x\n", "f.yaml:1:4: aliases (*name) are not used here"),
        ("<<: {a: 1}\n", "f.yaml:1:1: merge keys (<<) are not used here"),
        ("a: !!python/object:os.system x\n", "f.yaml:1:4: tags"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document begins here"),
        ("? [a]\n: b\n", "f.yaml:1:3: a key must be text"),
        ("a: [1\nb: 2\n", "f.yaml:1:4: this bracket [ is never closed"),
        ('a: "\x07"\n', "f.yaml:1:5: a control character stands here"),
        ("[" * 100_000, f"f.yaml:1:41: is nested more than {MAX_DEPTH} levels deep"),
    ],
)
def test_what_is_no_plain_yaml_is_a_problem_with_a_place(text: str, said: str) -> None:
    """Syntax errors, anchors, tags, second documents and depth are told in words."""
    assert problems(text)[0].startswith(said)


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    """Missing, not UTF-8, too long: one sentence each."""
    with pytest.raises(ProblemsFound, match=r"nothing\.yaml:1:1: cannot be read: No such file"):
        read_source(tmp_path / "nothing.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: \xff\xfe\n")
    with pytest.raises(ProblemsFound, match=r"latin\.yaml:2:4: is not UTF-8"):
        read_source(tmp_path / "latin.yaml")
    (tmp_path / "long.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ProblemsFound, match="is longer than"):
        read_source(tmp_path / "long.yaml")


def test_an_empty_file_is_no_settings(tmp_path: Path) -> None:
    """A file with comments only is empty settings, a byte order mark is no text."""
    (tmp_path / "empty.yaml").write_bytes(b"\xef\xbb\xbf# nothing\n")
    assert read_source(tmp_path / "empty.yaml").data == {}


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab:# -[]{},\"'|>\n\t*&!?%@`0中", max_size=60))
def test_any_text_is_data_or_problems(text: str) -> None:
    """Nothing but ProblemsFound ever comes out."""
    with contextlib.suppress(ProblemsFound):
        assert parse_source(text, "f").where().line >= 1
