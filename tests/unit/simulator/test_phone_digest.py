"""Digest answers are those of the RFCs' own examples, and a refused proof is not repeated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.phone.authentication import authorized
from simulator.phone.digest import Challenge, Credentials, parse_challenge
from simulator.phone.errors import MalformedSip
from simulator.phone.sip import Response, new_request, respond
from simulator.phone.uri import Address

pytestmark = pytest.mark.unit

CREDENTIALS = Credentials("Mufasa", "Circle Of Life")


def test_the_example_of_rfc_2617() -> None:
    """Section 3.5: MD5 with qop=auth."""
    challenge = parse_challenge(
        'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )

    value = CREDENTIALS.authorization(challenge, "GET", "/dir/index.html", "0a4f113b")

    assert 'response="6629fae49393a05397450978507c4ef1"' in value
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in value
    assert "nc=00000001" in value


def test_the_example_of_rfc_7616() -> None:
    """Section 3.9.1: SHA-256 with qop=auth."""
    challenge = Challenge("http-auth@example.org", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "SHA-256", qop="auth")

    value = Credentials("Mufasa", "Circle of Life").authorization(
        challenge, "GET", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    )

    assert 'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"' in value


def test_the_old_kind_without_qop() -> None:
    """RFC 2069's digest has neither nc nor cnonce (its example's digest as corrected in the errata)."""
    value = CREDENTIALS.authorization(Challenge("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093"), "GET", "/dir/index.html", "x")

    assert 'response="670fd8c2df070c60b045671b8b24ff02"' in value
    assert "cnonce" not in value


@pytest.mark.parametrize(
    "value",
    ["", "Basic realm=x", 'Digest realm="x"', 'Digest nonce="n", algorithm=AKAv1-MD5', 'Digest nonce="n", qop="auth-int"'],
)
def test_a_challenge_that_we_cannot_answer_is_refused(value: str) -> None:
    """Unknown schemes, algorithms and qualities raise MalformedSip."""
    with pytest.raises(MalformedSip):
        parse_challenge(value)


@given(st.text(max_size=80))
def test_arbitrary_challenges_raise_nothing_else(text: str) -> None:
    """Whatever stands in the header is a challenge or MalformedSip."""
    try:
        parse_challenge(f"Digest {text}")
    except MalformedSip:
        return


def challenged(status: int, value: str) -> Response:
    request = new_request("REGISTER", "sip:h", Address("sip:a@h"), Address("sip:a@h"), "id", 4)
    response = respond(request, status)
    response.headers.add("WWW-Authenticate" if status == 401 else "Proxy-Authenticate", value)
    return response


@pytest.mark.parametrize(("status", "header"), [(401, "Authorization"), (407, "Proxy-Authorization")])
def test_a_challenged_request_is_sent_again_with_proof(status: int, header: str) -> None:
    """The number goes up, the Via goes (a new transaction), the proof fits the kind of challenge."""
    request = new_request("REGISTER", "sip:h", Address("sip:a@h"), Address("sip:a@h"), "id", 4)
    request.headers.add("Via", "old")

    again = authorized(request, challenged(status, 'Digest realm="r", nonce="n"'), CREDENTIALS)

    assert again is not None
    assert again.cseq == (5, "REGISTER")
    assert again.headers.all("Via") == []
    assert again.headers.get(header).startswith('Digest username="Mufasa"')


def test_a_refused_proof_is_not_repeated_unless_it_was_only_old() -> None:
    """A second challenge ends the attempt; a stale nonce does not."""
    request = new_request("REGISTER", "sip:h", Address("sip:a@h"), Address("sip:a@h"), "id", 4)
    request.headers.add("Authorization", "Digest earlier")

    assert authorized(request, challenged(401, 'Digest realm="r", nonce="n2"'), CREDENTIALS) is None
    assert authorized(request, challenged(401, 'Digest realm="r", nonce="n2", stale=true'), CREDENTIALS) is not None


def test_the_first_answerable_challenge_is_answered() -> None:
    """A server may offer algorithms that we lack beside one that we have."""
    request = new_request("REGISTER", "sip:h", Address("sip:a@h"), Address("sip:a@h"), "id", 4)
    response = challenged(401, 'Digest realm="r", nonce="a", algorithm=SHA-512-256')
    response.headers.add("WWW-Authenticate", 'Digest realm="r", nonce="b", algorithm=MD5')

    again = authorized(request, response, CREDENTIALS)

    assert again is not None
    assert 'nonce="b"' in again.headers.get("Authorization")
