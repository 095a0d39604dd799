"""How agents' phones are reached, and what their agents hear first."""

from dataclasses import replace
from pathlib import Path

import pytest

from ivr.numbers import Allowed
from ivr.ports import Speech
from routing.domain.model import AgentProfile, QueuePolicy
from routing.domain.phone_address import ExternalNumber, SipAccount, phone_of
from routing.ports import Offer
from server.agents.agent_phones import endpoint_of, question_in, spoken_to_agents, whisper_of
from server.settings import Site, load_site
from server.settings.trunks import Trunk

pytestmark = pytest.mark.unit
ROOT = Path(__file__).resolve().parents[3]
CARRIER = Trunk(kind="ip", host="192.0.2.10", outbound=True)
MOBILE = "+8613800138000"


@pytest.fixture(scope="module")
def site() -> Site:
    """The site of the repository, with an agent at a mobile and a queue that whispers."""
    plain = load_site(ROOT / "config", ROOT / "dialplans")
    agents = dict(plain.directory.agents) | {"sun": AgentProfile("sun", "Sun", phone_of(MOBILE))}
    queues = dict(plain.directory.queues) | {"q": QueuePolicy("q", whisper={"zh": "账单", "en": "Billing."})}
    return replace(plain, trunks={"carrier": CARRIER}, directory=replace(plain.directory, agents=agents, queues=queues))


def ring(**whisper: str) -> Offer:
    return Offer("o1", "c1", "anna", phone_of("1001"), 15_000, "q", whisper)


def test_accounts_and_external_numbers(site: Site) -> None:
    """A SIP account is dialled as it is, a number over the outbound trunk."""
    assert endpoint_of(site, SipAccount("1001")) == "1001"
    assert endpoint_of(site, ExternalNumber(MOBILE)) == f"{MOBILE}@carrier"


def test_a_number_that_nobody_allowed_is_not_dialled(site: Site) -> None:
    """An agent's own number is allowed by being the agent's; any other needs transfer.allow; and all need a trunk."""
    assert endpoint_of(site, phone_of("+8613900139000")) == ""
    assert endpoint_of(replace(site, may_dial=Allowed(["+8613XXXXXXXXX"], [])), phone_of("+8613900139000")) == "+8613900139000@carrier"
    assert endpoint_of(replace(site, trunks={}), ExternalNumber(MOBILE)) == ""


def test_a_whisper_is_in_the_callers_language_else_in_the_sites(site: Site) -> None:
    """Without either nothing is said."""
    assert whisper_of(site, ring(zh="账单", en="Billing."), "en") == [Speech("en", "Billing.")]
    assert whisper_of(site, ring(zh="账单"), "en") == [Speech("zh", "账单")]
    assert whisper_of(site, ring(fr="Facture."), "en") == []


def test_all_that_agents_may_hear_is_known_beforehand(site: Site) -> None:
    """It is rendered at the start, so that no agent waits for it."""
    known = spoken_to_agents(site)
    assert {Speech("zh", "账单"), Speech("en", "Billing."), question_in("zh"), question_in("en")} <= set(known)
    assert question_in("fr") == question_in("en")
