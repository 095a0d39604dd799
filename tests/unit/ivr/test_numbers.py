"""Raw caller numbers become one of four kinds, and only what a site allows is dialled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.numbers import Allowed, Number, masked, matches, normalise

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "raw",
    [
        "+8613800138000",
        "8613800138000",
        "008613800138000",
        "13800138000",
        "013800138000",
        "138-0013 8000",
        "tel:+8613800138000",
        "sip:+8613800138000@carrier.example;user=phone",
    ],
)
def test_one_number_in_all_its_forms(raw: str) -> None:
    """However a carrier writes it, a number is the same E.164 text."""
    assert normalise(raw, "CN") == Number("e164", "+8613800138000", "138 0013 8000")


@pytest.mark.parametrize(
    ("raw", "country", "text"),
    [
        ("01062345678", "CN", "+861062345678"),
        ("400-820-8820", "CN", "+864008208820"),
        ("+442079460000", "CN", "+442079460000"),
        ("2125550123", "US", "+12125550123"),
        ("00442079460000", "US", "+442079460000"),
        ("+1 (555) 010-0199", "CN", "+15550100199"),
    ],
)
def test_numbers_of_the_world(raw: str, country: str, text: str) -> None:
    """National numbers are read in the site's country, foreign ones keep their own."""
    assert (normalise(raw, country).kind, normalise(raw, country).text) == ("e164", text)


@pytest.mark.parametrize(
    "raw", ["", " ", "anonymous", "Anonymous@anonymous.invalid", "restricted", "unknown", "unavailable", "private", "s"]
)
def test_withheld(raw: str) -> None:
    """All the ways of a network to say: not told."""
    assert normalise(raw, "CN") == Number("withheld")


@pytest.mark.parametrize("raw", ["100", "1001", "95588", "tel:1001;phone-context=site.example"])
def test_internal(raw: str) -> None:
    """Three to five digits stay as they are."""
    assert normalise(raw, "CN").kind == "internal"
    assert normalise(raw, "CN").text in raw


@pytest.mark.parametrize(
    "raw",
    [
        "１３８００１３８０００",
        "١٣٨٠٠١٣٨٠٠٠",
        "1; DROP TABLE calls",
        "' OR 1=1 --",
        "138\x000013",
        "1001\n",
        "1001\r\nAction: Originate",
        "+",
        "--",
        "9" * 41,
        "9" * 1_000_000,
        "*72",
        "0",
        "12",
        "\ud800",
        "${EXTEN}",
        "62345678",
    ],
)
def test_malformed(raw: str) -> None:
    """What is no number has no text to dial, store or compare."""
    assert (normalise(raw, "CN").kind, normalise(raw, "CN").text) == ("malformed", "")


@given(st.text(max_size=60) | st.text("0123456789+-() ", max_size=45), st.sampled_from(["CN", "US", "DE", "", "xx", "?"]))
def test_never_raises_and_only_ever_yields_digits(raw: str, country: str) -> None:
    """Any bytes from a network become a number whose text is ASCII digits, at most a + in front; its own text means the same number."""
    number = normalise(raw, country)
    assert number.text == "" or number.text.removeprefix("+").isascii()
    assert number.text == "" or number.text.removeprefix("+").isdigit()
    assert bool(number.text) == (number.kind in ("e164", "internal"))
    if number.text:
        assert normalise(number.text, country).text == number.text


def test_masked() -> None:
    """A log shows the country and four digits of an outside number, and an extension."""
    assert masked(normalise("13800138000", "CN")) == "+86*******8000"
    assert masked(normalise("1001", "CN")) == "1001"
    assert masked(normalise("", "CN")) == "withheld"
    assert masked(normalise("abc", "CN")) == "malformed"
    assert masked(Number("e164", "+2901234")) == "+29****4"


@pytest.mark.parametrize(
    ("pattern", "number", "fits"),
    [
        ("1XXX", "1001", True),
        ("1XXX", "10011", False),
        ("1XXX", "100", False),
        ("1XXX", "2001", False),
        ("N", "1", False),
        ("N", "2", True),
        ("Z", "0", False),
        ("Z", "1", True),
        ("+8610XXXXXXXX", "+861062345678", True),
        ("+8610XXXXXXXX", "861062345678", False),
        ("1XXX", "1١١١", False),
        ("1XXX", "1X01", False),
        ("1XXX", "1001\n", False),
        (".*", "10", False),
        ("1XXX.", "10011", False),
        ("", "", False),
    ],
)
def test_patterns(pattern: str, number: str, fits: bool) -> None:
    """A pattern covers the whole number, one sign for one digit, and has no other wildcard."""
    assert matches(pattern, number) is fits


def test_allowed() -> None:
    """Nothing is dialled that is not listed; emergency numbers always are."""
    allowed = Allowed(["1XXX"], emergency=["110"])
    assert allowed("1001")
    assert allowed("110")
    assert not allowed("+8613800138000")
    assert not allowed("")
    assert not allowed("1001&SIP/evil")
    assert not Allowed([])("1001")


@pytest.mark.parametrize("pattern", ["1xxx", "_1XXX", "1.", "*", "", "1" * 22, "１XXX"])
def test_a_bad_pattern_is_refused_at_start(pattern: str) -> None:
    """A pattern that would never do what its writer meant is an error, not a silent no."""
    with pytest.raises(ValueError, match="expected"):
        Allowed([pattern])
