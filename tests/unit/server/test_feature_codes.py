"""What agents key, on a scripted phone: the question that reaches routing, and what is said of its answer."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ivr.testing import ScriptedPhone, VirtualClock
from routing.client.requests import NoReply
from routing.domain.agent_state import AgentPresence
from routing.domain.current_directory import CurrentDirectory
from routing.domain.orders import Reply
from routing.domain.phone_address import phone_of
from routing.read_model.view import View
from routing.store.counts import MemoryCounts, Tries, Try
from routing.store.port import StoreUnreachable
from server.agents.feature_codes import FeatureCodes
from server.agents.pin_locks import LOCKED_MS, TRIES, PinLocks
from server.settings import Site, pins
from tests.settings_house import SmallSite

pytestmark = pytest.mark.unit

PIN = pins.hashed("4711", b"0123456789abcdef")
AGENTS = f"""\
phones: ["1020"]
agents:
  wang:  {{name: 王芳, phone: "1001", skills: {{billing: 4}}}}
  smith: {{name: Alice, phone: "1002", pin: "{PIN}"}}
  "77":  {{name: Li, pin: "{PIN}"}}
"""


class FakeDesk:
    """Grants everything, or answers `error`, or not at all; `asked` are (agent, action, what came with it)."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.state, self.error, self.silent = "ready", "", False

    async def ask(self, agent: str, action: str, **more: str) -> Reply:
        self.asked.append((agent, action, {name: value for name, value in more.items() if value}))
        if self.silent:
            raise NoReply("no answer")
        return Reply("request-1", self.state, self.error)


class House:
    """A site with a phone that is nobody's, 1020."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.routing_client: Any = FakeDesk()
        self.view = View(CurrentDirectory(site.directory))
        self.counts: Any = MemoryCounts()
        self.locks = PinLocks(self.counts)
        self.clock = VirtualClock()

    def works_at(self, agent: str, phone: str) -> None:
        self.view.agents[agent].phone, self.view.agents[agent].presence = phone_of(phone), AgentPresence.READY

    async def key(self, endpoint: str, words: str, *keys: str) -> ScriptedPhone:
        """Dial a code; `keys` are what is keyed at each question, "" for silence."""
        phone = ScriptedPhone([key for entry in keys for key in (entry or [""])], clock=self.clock)
        await FeatureCodes(self.site, self.routing_client, self.view, self.locks, self.clock).serve(phone, endpoint, words.split())
        assert phone.answered
        assert phone.hung_up
        return phone


@pytest.fixture
def house(tmp_path: Path) -> House:
    site = SmallSite(tmp_path)
    site.write("config/agents.yaml", AGENTS)
    site.change("config/hotline.yaml", "languages: [zh, en]", 'languages: [en]\npause_reasons: {"1": lunch}\nbreaks: {lunch: {at_once: 2}}')
    site.write("config/prompts.yaml", "prompts:\n  goodbye: {en: Goodbye.}\n")
    return House(site.load())


@pytest.mark.parametrize(
    ("words", "action", "more"),
    [
        ("login", "log_in", {"phone": phone_of("1001")}),
        ("logout", "log_out", {}),
        ("pause", "pause", {}),
        ("pause 1", "pause", {"reason": "lunch"}),
        ("pause 7", "pause", {"reason": "7"}),
        ("resume", "resume", {}),
        ("end_wrap_up", "end_wrap_up", {}),
        ("extend_wrap_up", "extend_wrap_up", {}),
        ("dispose 42", "dispose", {"disposition": "42"}),
    ],
)
async def test_a_code_is_asked_for_the_owner_of_the_phone(house: House, words: str, action: str, more: dict[str, str]) -> None:
    await house.key("1001", words)
    assert house.routing_client.asked == [("wang", action, more)]


async def test_a_disposition_is_asked_for(house: House) -> None:
    """*46 alone asks for the code."""
    phone = await house.key("1001", "dispose", "42#")
    assert house.routing_client.asked == [("wang", "dispose", {"disposition": "42"})]
    assert phone.said == ["Please enter the code of the result, then press the hash key.", "This is noted."]


async def test_what_is_said_of_the_answer(house: House) -> None:
    """The state, a refusal, or that nobody answers."""
    house.routing_client.state = "wrap_up"
    assert (await house.key("1001", "extend_wrap_up")).said == ["You are in wrap-up."]
    house.routing_client.error = "queue billing wants a disposition first"
    assert (await house.key("1001", "end_wrap_up")).said == ["Please enter the code of the result first."]
    assert (await house.key("1001", "dispose 9")).said == ["There is no result with this code."]
    assert (await house.key("1001", "pause 7")).said == ["This is not possible now."]
    house.routing_client.state = "ready"
    assert (await house.key("1001", "pause 1")).said == ["Too many are on this break. Please try again later."]
    house.routing_client.state = "logged_out"
    assert (await house.key("1001", "pause 1")).said == ["This is not possible now."]
    house.routing_client.state, house.routing_client.error = "paused", ""
    assert (await house.key("1001", "pause 1")).said == ["You are on a break."]
    assert (await house.key("1001", "pause 7")).said == ["You are not ready."]
    house.routing_client.silent = True
    assert (await house.key("1001", "resume")).said == ["The system does not answer; please try again in a moment."]


@pytest.mark.parametrize(("endpoint", "words"), [("9999", "login"), ("", "login"), ("1020", "logout"), ("1001", "reboot"), ("1001", "")])
async def test_what_means_nothing_changes_nothing(house: House, endpoint: str, words: str) -> None:
    """A phone that is not of the site, one at which nobody works, and words that are no code."""
    assert (await house.key(endpoint, words)).said == ["No agent belongs to this phone."]
    assert house.routing_client.asked == []


# -- hot desks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("endpoint", "words"), [("1020", "login"), ("1020", "desk_login"), ("1001", "desk_login")])
async def test_log_in_with_number_and_pin(house: House, endpoint: str, words: str) -> None:
    """At a phone that is nobody's *40 will do, *47 at any; the calls come to that phone from then on."""
    phone = await house.key(endpoint, words, "77#", "4711#")
    assert house.routing_client.asked == [("77", "log_in", {"phone": phone_of(endpoint)})]
    assert phone.said == [
        "Please enter your agent number, then press the hash key.",
        "Please enter your PIN, then press the hash key.",
        "You are ready to take calls.",
    ]


async def test_the_hash_key_may_be_left_out(house: House) -> None:
    """A pause ends an entry, too."""
    await house.key("1020", "login", "1002", "", "4711", "")
    assert house.routing_client.asked == [("smith", "log_in", {"phone": phone_of("1020")})]


async def test_codes_are_for_who_works_at_the_phone(house: House) -> None:
    """Li sits at wang's desk: what is keyed there is Li's; *40 is its owner's again."""
    house.works_at("77", "1001")
    await house.key("1001", "pause")
    await house.key("1001", "login")
    assert house.routing_client.asked == [("77", "pause", {}), ("wang", "log_in", {"phone": phone_of("1001")})]


async def test_three_wrong_tries_end_the_call_and_lock(house: House) -> None:
    """Then the right PIN is refused, too, until the time is over; each lock is longer."""
    right, wrong = ("77#", "4711#"), ("77#", "0000#")
    for locked_ms in LOCKED_MS[:3]:
        phone = await house.key("1020", "login", *wrong * 4)
        assert phone.said.count("The number or the PIN is not right.") == 2
        assert phone.said[-1] == "There were too many tries. Please try again later."
        house.clock.advance(locked_ms - 60_000)
        assert (await house.key("1020", "login", *right)).said[-1] == "There were too many tries. Please try again later."
        house.clock.advance(60_000)
    assert house.routing_client.asked == []
    await house.key("1020", "login", *right)
    assert [agent for agent, *_ in house.routing_client.asked] == ["77"]


async def test_many_calls_at_once_have_no_more_tries(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PIN tried in 20 sessions at once, at two servers: three are compared, and the right one among the others is refused."""
    compared = []

    def fits(pin: str, kept: str) -> bool:
        compared.append(pin)
        return pins.hashed(pin, b"0123456789abcdef") == kept

    monkeypatch.setattr("server.agents.feature_codes.pins.fits", fits)
    other = House(house.site)
    other.locks = PinLocks(house.counts)
    tried = [(house, other)[number % 2].key("1020", "login", *("77#", f"{number:04}#") * 3) for number in range(20)]
    phones = await asyncio.gather(*tried, house.key("1020", "login", "77#", "4711#"))
    assert len(compared) == TRIES
    assert {phone.said[-1] for phone in phones} == {"There were too many tries. Please try again later."}
    assert house.routing_client.asked == other.routing_client.asked == []


async def test_what_cannot_be_counted_is_not_compared(house: House) -> None:
    """While Redis is away no PIN is taken, be it right or wrong."""

    class Away(MemoryCounts):
        async def take_try(self, name: str, tries: Tries, now_ms: int) -> Try:
            raise StoreUnreachable("Redis is away")

    house.locks = PinLocks(Away())
    phone = await house.key("1020", "login", "77#", "4711#")
    assert phone.said[-1] == "The system does not answer; please try again in a moment."
    assert house.routing_client.asked == []


async def test_a_lock_is_one_agents(house: House) -> None:
    """Somebody else logs in meanwhile, and a right PIN forgets wrong ones."""
    await house.key("1020", "login", *("77#", "0000#") * 3)
    await house.key("1020", "login", "1002#", "1111#", "1002#", "4711#")
    assert [agent for agent, *_ in house.routing_client.asked] == ["smith"]
    await house.key("1020", "login", *("1002#", "0000#") * 2, "1002#", "4711#")
    assert [agent for agent, *_ in house.routing_client.asked] == ["smith", "smith"]


@pytest.mark.parametrize("keys", [("1001#", "4711#"), ("99#", "4711#"), ("", ""), ("#", "#"), ("*" * 40, "")])
async def test_who_has_no_pin_cannot_log_in(house: House, keys: tuple[str, str]) -> None:
    """An agent without one, a number that nobody has, and silence: three times, and the call is over."""
    phone = await house.key("1020", "login", *keys * 3)
    assert house.routing_client.asked == []
    assert phone.said.count("The number or the PIN is not right.") == 3


def test_a_pin_fits_its_hash_only() -> None:
    """And the same PIN has another hash each time."""
    assert pins.fits("4711", PIN)
    assert not pins.fits("4712", PIN)
    assert not pins.fits("4711", "")
    assert pins.hashed("4711") != pins.hashed("4711")
    assert "4711" not in pins.hashed("4711").partition(":")[0]


@pytest.mark.parametrize(
    ("pin", "why"), [("12a4", "digits only"), ("472", "4 to 12"), ("1" * 13, "4 to 12"), ("1234", "first"), ("7777", "first")]
)
def test_a_pin_that_is_none(pin: str, why: str) -> None:
    assert why in pins.fault(pin)
    assert pins.fault("2580471") == ""
