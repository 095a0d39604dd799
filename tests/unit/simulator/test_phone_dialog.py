"""A dialog sends its requests where routes and contacts say, with its own numbers and tags."""

from __future__ import annotations

import pytest

from simulator.phone.dialog import Dialog
from simulator.phone.sip import Request, new_request, respond
from simulator.phone.uri import Address

pytestmark = pytest.mark.unit

SOURCE = ("192.0.2.9", 5099)


def invite() -> Request:
    made = new_request("INVITE", "sip:b@192.0.2.1", Address("sip:a@h", "", {"tag": "ours"}), Address("sip:b@h"), "id", 3)
    made.headers.fields.insert(0, ("Via", "SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bK1"))
    made.headers.add("Contact", "<sip:a@192.0.2.2:5062>")
    made.headers.add("Record-Route", "<sip:192.0.2.3;lr>, <sip:192.0.2.4:5064;lr>")
    return made


def test_the_caller_follows_the_answer() -> None:
    """Target from Contact, routes in reverse, numbers one up; the ACK keeps the number of its INVITE."""
    answer = respond(invite(), 200, "theirs")
    answer.headers.add("Contact", "<sip:b@192.0.2.5:5065>")

    dialog = Dialog.of_caller(invite(), answer, SOURCE)
    bye, ack = dialog.request("BYE"), dialog.ack(3)

    assert (bye.uri, bye.cseq, ack.cseq) == ("sip:b@192.0.2.5:5065", (4, "BYE"), (3, "ACK"))
    assert bye.headers.items("Route") == ["<sip:192.0.2.4:5064;lr>", "<sip:192.0.2.3;lr>"]
    assert (bye.sender.tag, bye.recipient.tag) == ("ours", "theirs")
    assert dialog.peer() == ("192.0.2.4", 5064)


def test_the_called_side_sees_it_the_other_way_round() -> None:
    """Local and remote change places, routes keep their order."""
    dialog = Dialog.of_called(invite(), "mine", SOURCE)
    bye = dialog.request("BYE")

    assert (bye.uri, bye.cseq) == ("sip:a@192.0.2.2:5062", (1, "BYE"))
    assert (bye.sender.tag, bye.recipient.tag) == ("mine", "ours")
    assert dialog.peer() == ("192.0.2.3", 5060)
    assert dialog.replaces() == "id;to-tag=ours;from-tag=mine"


def test_a_named_target_is_reached_where_its_packets_come_from() -> None:
    """Without routes the target's address counts; a name is not looked up."""
    dialog = Dialog("id", Address("sip:a@h"), Address("sip:b@h"), "sip:b@some.name", SOURCE)

    assert dialog.peer() == SOURCE
    dialog.refresh("sip:b@192.0.2.7:7")
    assert dialog.peer() == ("192.0.2.7", 7)
    dialog.refresh("")
    assert dialog.target == "sip:b@192.0.2.7:7"
    dialog.refresh("tel:garbage")
    assert dialog.peer() == SOURCE
