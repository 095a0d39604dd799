"""How far a call has come, on its channel: what goes in comes out, and nothing that stands there breaks a server."""

import base64
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.call import CallContext, Place
from server.calls.checkpoint import LONGEST, Checkpoint, checkpoint_of, pack, unpack

pytestmark = pytest.mark.unit

words = st.text(max_size=40)
whole = st.integers(min_value=0, max_value=2**53)
places = st.dictionaries(words, st.builds(Place, whole, whole), max_size=2)
stages = st.builds(
    Checkpoint, words, words, words, whole, st.dictionaries(words, st.text(max_size=60), max_size=6), words, whole, st.booleans(), places
)


@given(stages)
def test_what_goes_in_comes_out(stage: Checkpoint) -> None:
    """All but variables that do not fit."""
    found = unpack(pack(stage))
    assert found is not None
    assert (found.flow, found.node, found.language, found.contact) == (stage.flow, stage.node, stage.language, stage.contact)
    assert (found.started_at_ms, found.enqueued_at_ms, found.in_dial) == (stage.started_at_ms, stage.enqueued_at_ms, stage.in_dial)
    assert found.places == stage.places
    assert found.variables.items() <= stage.variables.items()


@given(st.text(max_size=8_000))
def test_any_text_on_the_channel_is_a_stage_or_nothing(text: str) -> None:
    unpack(text)


@given(st.binary(max_size=3_000))
def test_any_bytes_are_a_stage_or_nothing(raw: bytes) -> None:
    unpack(base64.urlsafe_b64encode(raw).decode())
    unpack(base64.urlsafe_b64encode(zlib.compress(raw)).decode())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*Checkpoint.__dataclass_fields__]), inner, max_size=8),
    max_leaves=12,
)


@given(json_values)
def test_any_json_is_a_stage_or_nothing(value: object) -> None:
    unpack(base64.urlsafe_b64encode(zlib.compress(json.dumps(value).encode())).decode())


def test_a_bomb_is_not_unpacked() -> None:
    """Little text that would become much."""
    assert unpack(base64.urlsafe_b64encode(zlib.compress(b" " * 10_000_000)).decode()) is None


def test_it_fits_into_a_line_of_agi_whatever_the_variables() -> None:
    """The longest are left out first."""
    noise = "".join(chr(0x4E00 + 7919 * at % 20_000) for at in range(3_000))
    found = unpack(packed := pack(Checkpoint("f", "n", "zh", 1, {"short": "1", "long": noise})))
    assert len(packed) <= LONGEST
    assert found is not None
    assert found.variables == {"short": "1"}


def test_sensitive_values_are_never_on_the_channel() -> None:
    context = CallContext("call-1", language="en", variables={"pin": "4711", "account": "12"}, sensitive={"pin"})
    assert checkpoint_of(context, "f", "n", 1).variables == {"account": "12"}


def test_what_agents_are_shown_goes_with_the_call() -> None:
    """To the server that takes the call over, and to the queue into which an agent passes it on; what does not fit is left out."""
    context = CallContext("call-1", language="en", variables={"account": "12"}, data={"account": "12", "pin": "****"})
    found = unpack(pack(checkpoint_of(context, "f", "n", 1)))
    assert found is not None
    assert (found.variables, found.data) == ({"account": "12"}, {"account": "12", "pin": "****"})
    noise = "".join(chr(0x4E00 + 7919 * at % 20_000) for at in range(3_000))
    context.data["note"] = noise
    found = unpack(packed := pack(checkpoint_of(context, "f", "n", 1)))
    assert len(packed) <= LONGEST
    assert found is not None
    assert (found.variables, found.data) == ({"account": "12"}, {"account": "12", "pin": "****"})
