"""The picture of the demo: what it shows, and that whoever looks at it asks no other host for anything."""

import re

import pytest

from tests.demo_picture import PICTURE, picture, shown

pytestmark = pytest.mark.unit


@pytest.fixture(params=["drawn", "kept"])
def svg(request: pytest.FixtureRequest) -> str:
    """A picture as it would be drawn today, and the one that the README shows."""
    if request.param == "kept":
        return PICTURE.read_text(encoding="utf-8")
    return picture(shown(["starting Redis", "   0.02 s  hotline  flow main: language", "PASSED: caller and agent heard each other."]))


def words(svg: str) -> str:
    """The text of a picture."""
    return re.sub(r"<[^>]+>", "", svg).replace("&#160;", " ")


def test_it_is_the_end_of_a_call_that_passed(svg: str) -> None:
    assert "$ ./hotline demo --once" in words(svg)
    assert "PASSED: caller and agent heard each other." in words(svg)
    assert "starting" not in words(svg)


def test_it_asks_no_other_host_for_anything(svg: str) -> None:
    """No font, style or picture from elsewhere, no script; it is small enough to stand in a README."""
    assert set(re.findall(r"[\"'(]\s*(?:https?:)?//[^\"')]+", svg)) == {'"http://www.w3.org/2000/svg'}
    assert not re.search(r"@font-face|@import|<script|<image", svg)
    assert len(svg.encode()) < 100_000


def test_it_names_no_folder_of_the_machine(svg: str) -> None:
    """Whoever draws it anew does not publish where."""
    assert not re.search(r"/(home|root|tmp|work)/", words(svg))
