"""URIs and name-addresses are read and written without loss; anything else raises MalformedSip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.phone.errors import MalformedSip
from simulator.phone.uri import Address, Uri, parameters, split

pytestmark = pytest.mark.unit


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30), st.sampled_from(["", "abc"]))
def test_any_name_survives(name: str, tag: str) -> None:
    """A display name with quotes, backslashes, brackets or Chinese comes back as it was."""
    address = Address("sip:b@127.0.0.1:5060", name, {"tag": tag} if tag else {})

    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("sip:4000@127.0.0.1:15060", Uri("127.0.0.1", "4000", 15060)),
        ("sip:127.0.0.1;transport=udp;lr", Uri("127.0.0.1", params="transport=udp;lr")),
        ("SIP:a;b=c@h.example?Replaces=x%3B", Uri("h.example", "a;b=c", headers="Replaces=x%3B")),
        ("sips:a@[::1]:5061", Uri("[::1]", "a", 5061, scheme="sips")),
    ],
)
def test_uris_are_read(text: str, uri: Uri) -> None:
    """Each part of a URI lands in its place, and writing it gives the same URI."""
    assert Uri.parse(text) == uri
    assert Uri.parse(str(uri)) == uri


@pytest.mark.parametrize("text", ["", "tel:123", "sip:", "sip:a@", "sip:a@h:0", "sip:a@h:70000", "sip:a b@h o", "sip:a@h:٣"])
def test_what_is_no_sip_uri_is_refused(text: str) -> None:
    """The error is MalformedSip, whatever is wrong."""
    with pytest.raises(MalformedSip):
        Uri.parse(text)


@given(st.text(max_size=60))
def test_arbitrary_text_never_breaks_the_readers(text: str) -> None:
    """Readers of header parts raise nothing but MalformedSip."""
    for read in (Uri.parse, Address.parse, parameters):
        try:
            read(text)
        except MalformedSip:
            continue


def test_an_address_without_brackets_owns_no_parameters() -> None:
    """In `sip:a@h;tag=1` the tag belongs to the header, in `<sip:a@h;x=1>` the parameter to the URI."""
    assert Address.parse("sip:a@h;tag=1") == Address("sip:a@h", "", {"tag": "1"})
    assert Address.parse("Bob B <sip:a@h;x=1>;tag=2") == Address("sip:a@h;x=1", "Bob B", {"tag": "2"})


def test_commas_in_quotes_and_brackets_do_not_split() -> None:
    """A list of addresses is split only between them."""
    assert list(split('"a,b" <sip:x,y@h>, <sip:z@h>', ",")) == ['"a,b" <sip:x,y@h>', " <sip:z@h>"]


def test_only_numeric_hosts_have_a_peer() -> None:
    """No name is ever looked up while a message is handled."""
    assert Uri.parse("sip:a@10.0.0.1").peer() == ("10.0.0.1", 5060)
    assert Uri.parse("sip:a@host:5070").peer() is None
