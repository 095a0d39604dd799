"""What Dial leaves on the caller's channel, for a server that takes the caller over."""

import asyncio

import pytest

from agi.dial_reply import last_offer, offer_of
from agi.dial_string import offers_text

pytestmark = pytest.mark.unit


class Channel:
    """A caller's channel with these variables."""

    def __init__(self, **variables: str) -> None:
        self.variables = variables

    async def get_variable(self, name: str) -> str:
        return self.variables.get(name, "")


def test_one_offer_is_its_id_and_several_say_whose_is_which() -> None:
    """A number outside has its trunk with it."""
    several = {"1001": "offer-1", "+86138@carrier": "offer-2"}
    assert offers_text({"1001": "offer-1"}) == "offer-1"
    assert {offer_of(offers_text(several), called): called for called in several} == {"offer-1": "1001", "offer-2": "+86138@carrier"}
    assert offer_of(offers_text(several), "1009") == ""
    assert offer_of("offer-1", "whoever") == "offer-1"


SEVERAL = "offer-1=1001&offer-2=1002"


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({}, ("", "withdrawn")),
        ({"HOTLINE_OFFER": "offer-1", "DIALSTATUS": "ANSWER", "HANGUPCAUSE": "16"}, ("offer-1", "answered")),
        ({"HOTLINE_OFFER": "offer-1", "DIALSTATUS": "NOANSWER", "HANGUPCAUSE": "0"}, ("offer-1", "rang_out")),
        ({"HOTLINE_OFFER": "offer-1", "DIALSTATUS": "BUSY", "HANGUPCAUSE": "17"}, ("offer-1", "busy")),
        ({"HOTLINE_OFFER": "offer-1", "DIALSTATUS": "BUSY", "HANGUPCAUSE": "16"}, ("offer-1", "declined")),
        ({"HOTLINE_OFFER": SEVERAL, "DIALSTATUS": "ANSWER", "DIALEDPEERNUMBER": "1002"}, ("offer-2", "answered")),
        ({"HOTLINE_OFFER": SEVERAL, "DIALSTATUS": "BUSY", "HANGUPCAUSE": "16", "DIALEDPEERNUMBER": "1001"}, ("offer-1", "declined")),
        ({"HOTLINE_OFFER": SEVERAL, "DIALSTATUS": "NOANSWER", "DIALEDPEERNUMBER": "1001"}, ("", "rang_out")),
    ],
)
def test_the_last_offer_of_a_caller_who_was_at_another_server(variables: dict[str, str], found: tuple[str, str]) -> None:
    """Of several, only the one that was picked up can be told; what an earlier Dial left is not taken for it."""
    assert asyncio.run(last_offer(Channel(**variables))) == found  # type: ignore[arg-type]
