"""An agent's phone is an account of the site or a number outside, and a text says which."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.domain.messages import PhoneReported
from routing.domain.model import AgentProfile
from routing.domain.phone_address import ExternalNumber, PhoneAddress, SipAccount, parse_phone, phone_of, phone_text
from routing.store.codec import Unreadable, message_from, tagged_text

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "phone"),
    [("1001", SipAccount("1001")), ("desk-7", SipAccount("desk-7")), ("+8613800138000", ExternalNumber("+8613800138000")), ("", None)],
)
def test_a_text_says_which(text: str, phone: PhoneAddress | None) -> None:
    """Only a number outside begins with its country; nothing is no phone."""
    assert parse_phone(text) == phone
    assert phone_text(phone) == text


@given(st.text(min_size=1, max_size=20))
def test_a_text_comes_back_as_it_was(text: str) -> None:
    """Whatever it holds."""
    assert str(phone_of(text)) == text


def test_addresses_that_are_none_cannot_be_made() -> None:
    """So whoever is handed one need not look at it again."""
    for make, text in ((SipAccount, ""), (SipAccount, "+86138"), (ExternalNumber, "1001"), (ExternalNumber, ""), (phone_of, "")):
        with pytest.raises(ValueError, match="is no"):
            make(text)


def test_messages_have_addresses_as_text() -> None:
    """As servers of the version before write and read them; a message without its phone cannot be read."""
    told = PhoneReported(SipAccount("1001"), "busy")

    assert tagged_text(told) == '{"type":"phone_reported","phone":"1001","state":"busy"}'
    assert message_from(tagged_text(told)) == told
    with pytest.raises(Unreadable, match="is no name of a SIP account"):
        message_from('{"type":"phone_reported","phone":"","state":"busy"}')


def test_somebody_without_a_phone() -> None:
    """Has None, not an empty text."""
    assert AgentProfile("zoe", "Zoe", parse_phone("")).phone is None
