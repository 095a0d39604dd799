"""Calls to the outside on a whole server node: what a caller keys, what costs too much, and how many there may be."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from routing.domain.events.calls import OutboundHalfUsed, OutboundRefused, TransferEnded
from simulator.fake_asterisk import FakeCall
from tests.integration.switchboard import NodeHouse
from tests.private_redis import PrivateRedis

pytestmark = pytest.mark.integration


@pytest.fixture
async def house(tmp_path: Path, redis_server: PrivateRedis) -> AsyncIterator[NodeHouse]:
    """A site with a line to the outside; agents may pass callers on to 13900139000 to 13900139009, twice a minute."""
    house = NodeHouse(tmp_path, redis_server.url)
    house.site.change("config/hotline.yaml", '["100X"]', '["100X", "1390013900X", "00881612345678"]')
    house.site.change("config/hotline.yaml", "site: small", 'site: small\nemergency: ["110"]\noutbound: {user_per_minute: 2}')
    house.site.write("config/trunks.yaml", "trunks:\n  carrier: {kind: ip, host: 192.0.2.1, outbound: yes}\n")
    await house.start()
    yield house
    await house.stop()


def dialled(call: FakeCall) -> list[str]:
    return [words[2].split(",")[0] for words in call.commands if words[:2] == ["EXEC", "Dial"]]


async def test_nobody_keys_an_emergency_number_into_a_flow(house: NodeHouse) -> None:
    """`to: "{caller_name}"` and the text 110: refused and told, though emergency numbers may always be dialled."""
    call = await house.call(calleridname="110")
    await house.until("node_entered", node="hello")
    await call.until(lambda call: any(words[:2] == ["STREAM", "FILE"] for words in call.commands))
    house.board.press(call, "3")
    assert (await house.until("outbound_refused")).data == OutboundRefused("110", "emergency", "", "flow main", "carrier")
    await call.until_gone()
    assert dialled(call) == []


async def test_an_agent_cannot_pass_a_caller_on_to_a_satellite(house: NodeHouse) -> None:
    """Though a pattern allows it."""
    call = await house.call("transfer", {"BLINDTRANSFER": "PJSIP/1001-00000001"}, extension="00881612345678")
    assert (await house.until("outbound_refused")).data == OutboundRefused("+88******5678", "satellite", "", "agent wang", "carrier")
    assert (await house.until("transfer_ended")).data == TransferEnded("00881612345678", "not_allowed")
    house.board.hang_up(call)
    await call.until_gone()
    assert dialled(call) == []


async def test_the_third_call_of_a_minute_is_refused(house: NodeHouse) -> None:
    """Half of the limit is told with the first."""
    for number in range(2):
        call = await house.call("transfer", extension=f"1390013900{number}")
        await call.until_running("EXEC DIAL")
        assert dialled(call) == [f"PJSIP/1390013900{number}@carrier"]
    assert (await house.until("outbound_half_used")).data == OutboundHalfUsed("user_per_minute", "agent unknown", 1, 2)
    call = await house.call("transfer", extension="13900139002")
    refused = (await house.until("outbound_refused")).data
    assert refused == OutboundRefused("+86*******9002", "limit", "user_per_minute", "agent unknown", "carrier")
    assert dialled(call) == []
