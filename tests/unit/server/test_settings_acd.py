"""What config/ says about routing: queues, agents and their lines, caller lists; and what is said about mistakes."""

from pathlib import Path

import pytest

from routing.domain.model import UNTIL_DONE, BreakLimit, Membership, Overflow
from routing.domain.phone_address import phone_of
from server.settings import pins
from tests.settings_house import SmallSite

pytestmark = pytest.mark.unit

PIN = pins.hashed("4711", b"0123456789abcdef")
QUEUES = """\
queues:
  billing:
    name: Billing
    strategy: linear
    ring_more_every: 3s
    tier_delays: [0s, 20s, 1m]
    wrap_up: until_done
    wrap_up_extension: 45s
    dispositions: {1: solved, "0042": call back}
    disposition_required: yes
    ageing: 0.5
    hours: office
    join_when: eligible
    stay_when: staffed
    stay_grace: 10s
    overflow: [{waiting: 20, to: sales}, {expected_wait: 5m}, {service_level: 60}, {waited: 2m, to: sales}]
    keep_place: 5m
    preferred_for: 40s
    last_agent: 7d
    whisper: {zh: 账单, en: billing}
    accept: yes
    announce_wait: yes
    pause_after: {declined: 3}
  sales: {wrap_up: none}
"""
AGENTS = f"""\
phones: ["1020", lobby]
agents:
  wang:  {{name: 王芳, phone: "1001", skills: {{billing: 4}}, queues: [billing, {{queue: sales, tier: 1, weight: 1.5, level: 3}}],
          attributes: {{site: shanghai}}, answer: auto, accept: yes}}
  smith: {{name: Alice, phone: "1002", pin: "{PIN}", queues: [{{queue: billing, tier: 3}}], capacity: {{chat: 3, callback: 0}}}}
  "77":  {{name: Li, pin: "{PIN}"}}
  zhao:  {{name: Zhao, pin: "{PIN}", login: "0815"}}
  home:  {{name: Home, external_number: "+861055550001", wrap_up: until_done}}
"""


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    return SmallSite(tmp_path)


@pytest.fixture
def rich(site: SmallSite) -> SmallSite:
    """A site that uses everything."""
    site.write("config/queues.yaml", QUEUES)
    site.write("config/agents.yaml", AGENTS)
    site.write("config/trunks.yaml", "trunks:\n  carrier: {kind: ip, host: 192.0.2.1, outbound: yes}\n")
    site.change("config/hotline.yaml", '["1XXX"]', '["1XXX", "+8610XXXXXXXX"]')
    return site


def test_every_policy_of_a_queue(rich: SmallSite) -> None:
    """All of it reaches routing, in milliseconds."""
    queue = rich.load().directory.queues["billing"]
    assert (queue.strategy, queue.ring_more_ms, tuple(queue.tier_delays_ms)) == ("linear", 3_000, (0, 20_000, 60_000))
    assert (queue.wrap_up_ms, queue.wrap_up_extension_ms) == (UNTIL_DONE, 45_000)
    assert (dict(queue.dispositions), queue.disposition_required) == ({"1": "solved", "0042": "call back"}, True)
    assert (queue.ageing, queue.hours, queue.join_when, queue.stay_when) == (0.5, "office", "eligible", "staffed")
    assert queue.overflow == (
        Overflow("sales", waiting=20),
        Overflow(expected_wait_ms=300_000),
        Overflow(service_level=60),
        Overflow("sales", waited_ms=120_000),
    )
    assert (queue.stay_grace_ms, queue.keep_place_ms, queue.preferred_ms, queue.last_agent_ms) == (10_000, 300_000, 40_000, 604_800_000)
    assert (dict(queue.whisper), queue.accept, queue.announce_wait) == ({"zh": "账单", "en": "billing"}, True, True)
    assert dict(queue.pause_after) == {"declined": 3}
    assert rich.load().directory.queues["sales"].wrap_up_ms == 0


def test_agents_with_their_lines(rich: SmallSite) -> None:
    """Desk phone, external number, hot desk; what an agent is in a queue is kept where it differs from the usual."""
    loaded = rich.load()
    agents = loaded.directory.agents
    assert [agent.phone for agent in agents.values()] == [phone_of("1001"), phone_of("1002"), None, None, phone_of("+861055550001")]
    assert (agents["wang"].queues, dict(agents["wang"].memberships)) == (("billing", "sales"), {"sales": Membership(1, 1.5, 3)})
    assert agents["smith"].membership("billing") == Membership(3)
    assert (agents["wang"].auto_answer, agents["wang"].accept, dict(agents["wang"].attributes)) == (True, True, {"site": "shanghai"})
    assert agents["home"].wrap_up_ms == UNTIL_DONE
    assert (dict(agents["smith"].capacity), dict(agents["wang"].capacity)) == ({"voice": 1, "chat": 3}, {"voice": 1, "callback": 1})
    assert loaded.phones == ("1001", "1002", "1020", "lobby")
    assert dict(loaded.logins) == {"1002": "smith", "77": "77", "0815": "zhao"}
    assert pins.fits("4711", agents["zhao"].pin)


def test_the_choice_between_queues_and_limits_of_breaks(site: SmallSite) -> None:
    """hotline.yaml says both; a break's reason must be one that agents can give."""
    site.change("config/hotline.yaml", "country: CN", "routing: {choice: strict}\npause_reasons: {1: lunch}\nbreaks: {lunch: {at_once: 2}}")
    loaded = site.load().directory
    assert (loaded.choice, dict(loaded.breaks)) == ("strict", {"lunch": BreakLimit(2)})
    site.change("config/hotline.yaml", "breaks: {lunch", "breaks: {lunhc")
    assert site.said() == ["config/hotline.yaml:4:10: unknown pause reason 'lunhc' - did you mean 'lunch'?"]


def test_a_queue_is_open_by_its_calendar(rich: SmallSite) -> None:
    """A queue without hours is always open."""
    loaded = rich.load()
    monday_10, sunday_10 = 1_795_399_200_000 - 86_400_000 + 86_400_000, 1_795_399_200_000 - 86_400_000
    assert [loaded.directory.is_open("billing", at) for at in (monday_10, sunday_10)] == [True, False]
    assert loaded.directory.is_open("sales", sunday_10)


# (file, what stands there, what is written instead, what is said)
MISTAKES = [
    ("agents", "chat: 3", "chats: 3", "agents.yaml:5:169: unknown value 'chats' - did you mean 'chat'?"),
    ("agents", "chat: 3", "chat: 30", "agents.yaml:5:175: expected at most 20, found '30'"),
    (
        "queues",
        "tier_delays: [0s, 20s, 1m]",
        "tier_delays: [5s, 20s, 1m]",
        "queues.yaml:6:19: the first tier is asked at once - begin with 0s",
    ),
    ("queues", "tier_delays: [0s, 20s, 1m]", "tier_delays: [0s, 20s, 9s]", "queues.yaml:6:28: tier 3 would be asked before tier 2"),
    (
        "queues",
        "tier_delays: [0s, 20s, 1m]",
        "tier_delays: [0s, 20s]",
        "agents.yaml:5:153: the queue 'billing' has 2 tiers only - set tier_delays",
    ),
    ("queues", '"0042": call back', "c: call back", "queues.yaml:9:31: expected a code of 1 to 4 digits"),
    ("queues", '    dispositions: {1: solved, "0042": call back}\n', "", "queues.yaml:9:27: there are no dispositions to choose from"),
    ("queues", "wrap_up: until_done", "wrap_up: none", "queues.yaml:10:27: without a wrap-up nobody can give a disposition"),
    ("queues", "wrap_up: until_done", "wrap_up: until_don", "queues.yaml:7:14: expected none, until_done or a duration"),
    ("queues", "hours: office", "hours: ofice", "queues.yaml:12:12: unknown hours 'ofice' - did you mean 'office'?"),
    ("queues", "join_when: eligible", "join_when: elegible", "queues.yaml:13:16: unknown value 'elegible' - did you mean 'eligible'?"),
    ("queues", "{waiting: 20, to: sales}", "{waiting: 20, waited: 1m}", "queues.yaml:16:16: expected exactly one condition of waiting,"),
    (
        "queues",
        "{waiting: 20, to: sales}",
        "{to: sales}",
        "queues.yaml:16:16: expected exactly one condition of waiting, expected_wait, service_level, waited, found none",
    ),
    ("queues", "{waiting: 20, to: sales}", "{waiting: 0}", "queues.yaml:16:26: expected at least 1, found '0'"),
    ("queues", "{waiting: 20, to: sales}", "{waiting: 9, to: seles}", "queues.yaml:16:33: unknown queue 'seles' - did you mean 'sales'?"),
    ("queues", "{waiting: 20, to: sales}", "{waiting: 9, to: billing}", "queues.yaml:16:33: a queue cannot overflow into itself"),
    (
        "queues",
        "sales: {wrap_up: none}",
        "sales: {overflow: [{waited: 1m, to: billing}]}",
        "queues.yaml:16:34: these overflows lead in a circle: billing -> sales -> billing - let one of them end",
    ),
    ("queues", "en: billing}", "fr: facture}", "queues.yaml:20:27: the site has no language 'fr' - possible: en, zh"),
    ("queues", "ageing: 0.5", "ageing: -1", "queues.yaml:11:13: expected at least 0"),
    ("agents", '"0815"', '"1002"', "agents.yaml:7:112: the login number 1002 is already"),
    ("agents", ', login: "0815"', "", "agents.yaml:7:10: this agent has a PIN and nothing to key that says who it is"),
    ("agents", f'pin: "{PIN}"}}', "skills: {}}", "agents.yaml:6:10: there is no phone on which this agent could be reached - give a phone"),
    (
        "agents",
        f'{{name: Zhao, pin: "{PIN}"',
        '{name: Zhao, pin: "4711"',
        "agents.yaml:7:28: a PIN is never written down here",
    ),
    ("agents", f'{{name: Zhao, pin: "{PIN}"', '{name: Zhao, pin: "secret"', "agents.yaml:7:28: this is no hash of a PIN: ./hotline pin"),
    ("agents", "accept: yes}", "login: 5}", "agents.yaml:4:62: a login number is of use with a PIN only"),
    ("agents", '"1020"', '"1001"', "agents.yaml:1:10: "),
    ("agents", "lobby]", '"4000"]', "agents.yaml:1:18: phone 4000 is one of the numbers that a flow answers"),
    ("agents", "[billing, {queue: sales", "[sales, {queue: sales", "agents.yaml:3:74: the queue 'sales' is there twice"),
    ("agents", "weight: 1.5", "weigth: 1.5", "agents.yaml:3:100: unknown setting 'weigth' - did you mean 'weight'?"),
    ("agents", "site: shanghai", "a b: shanghai", "agents.yaml:4:24: expected a word of letters, digits and _"),
    ("agents", "site: shanghai", "billing: shanghai", "agents.yaml:4:33: 'billing' is a skill, too"),
    (
        "agents",
        '"+861055550001"',
        '"+8613800138000"',
        "agents.yaml:8:40: the number +8613800138000 is none that may be dialled - add a pattern",
    ),
    ("agents", '"+861055550001"', '"01055550001"', "agents.yaml:8:40: expected an outside number with its country, such as +8613800138000"),
    ("agents", "wrap_up: until_done", 'phone: "1003"', "agents.yaml:8:40: an agent has a desk phone or an external number, not both"),
    ("agents", "wrap_up: until_done", "answer: auto", "agents.yaml:8:65: an external number cannot be asked to answer by itself"),
    ("trunks", "outbound: yes", "outbound: no", "agents.yaml:8:40: no trunk leads to +861055550001 - a trunk in config/trunks.yaml needs"),
    ("hotline", "country: CN", "routing: {choice: fair}", "hotline.yaml:2:19: unknown value 'fair' - possible: at_risk, strict, weighted"),
]


@pytest.mark.parametrize(("file", "found", "instead", "said"), MISTAKES, ids=[said.partition(": ")[2][:50] for *_, said in MISTAKES])
def test_a_mistake_is_told_once_at_its_place(rich: SmallSite, file: str, found: str, instead: str, said: str) -> None:
    """file:line:column, what was found, what to do; nothing else is complained about because of it."""
    rich.change(f"config/{file}.yaml", found, instead)
    (problem,) = rich.said()
    assert problem.startswith(f"config/{said}")


def test_a_mistake_in_the_defaults_is_told_there(site: SmallSite) -> None:
    """Also when it shows in a queue only."""
    site.change("config/queues.yaml", "wrap_up: 7s", "hours: ofice")
    assert set(site.said()) == {"config/queues.yaml:2:10: unknown hours 'ofice' - did you mean 'office'?"}


# -- callers.yaml ------------------------------------------------------------------------------------------------------

CALLERS = """\
lists:
  vip: {priority: 120, numbers: ["+8613800138000", "0139 0013 9000"], file: vip.csv}
  nuisance: {priority: -600, numbers: ["+8613700137000"]}
"""


def test_caller_lists(site: SmallSite) -> None:
    """Numbers are found however they were written; the first column of a file counts, its heading and other columns do not."""
    site.write("config/callers.yaml", CALLERS)
    site.write("config/vip.csv", "number,name\n13800138001,王\n\n+86 138 0013 8002\n")
    callers = site.load().callers
    vips = ["+8613800138000", "+8613900139000", "+8613800138001", "+8613800138002"]
    assert [callers.of(ani) for ani in (*vips, "+8613700137000", "+8613600136000", "")] == [*["vip"] * 4, "nuisance", "", ""]
    assert [callers.priority(ani) for ani in ("+8613800138002", "+8613700137000", "")] == [120, -600, 0]


def test_mistakes_in_caller_lists(site: SmallSite) -> None:
    """File and line of each; one file does not fill the screen."""
    site.write(
        "config/callers.yaml", CALLERS.replace('"+8613700137000"', '"+8613800138000", "nobody"') + "  empty: {}\n  gone: {file: gone.csv}\n"
    )
    site.write("config/vip.csv", "13800138001\n\nsomebody\n" + "1\n" * 100)
    said = site.said()
    assert said[:4] == [
        "config/callers.yaml:3:40: +8613800138000 is already in the list 'vip' - a number is in one list",
        "config/callers.yaml:3:58: 'nobody' is no telephone number - write it like +8613800138000",
        'config/callers.yaml:4:3: a list without callers - give numbers: ["+8613800138000"], or a file',
        "config/callers.yaml:5:16: gone.csv cannot be read: No such file or directory - a file beside this one, one number a line",
    ]
    assert said[4] == "config/vip.csv:3:1: 'somebody' is no telephone number - write it like +8613800138000"
    assert len(said) == 4 + 20 + 1


@pytest.mark.unmeasured
def test_a_list_of_a_hundred_thousand(site: SmallSite) -> None:
    """All of them are found again."""
    site.write("config/callers.yaml", "lists:\n  vip: {file: vip.csv}\n")
    site.write("config/vip.csv", "\n".join(f"+86139{at:08}" for at in range(100_000)))
    callers = site.load().callers
    assert len(callers.members) == 100_000
    assert callers.of("+8613900099999") == "vip"


@pytest.mark.parametrize(
    ("requirement", "said"),
    [
        ("site = shanghai", []),
        ('billing and site != "North 2"', []),
        ("sit = shanghai", ["no agent has the skill 'sit' - did you mean 'site'?"]),
        ("site = shangai", ["no agent has the skill 'shangai' - did you mean 'shanghai'?"]),
    ],
)
def test_a_requirement_asks_for_attributes(rich: SmallSite, requirement: str, said: list[str]) -> None:
    """Those that some agent has; a value in quotes may be any."""
    rich.change("dialplans/main.yaml", '"billing >= 3"', f"'{requirement}'")
    assert [problem.partition(": ")[2] for problem in rich.said()] == said
