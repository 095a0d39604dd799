"""The site's configuration as a whole: what a good one becomes, and what is said about each kind of mistake."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.settings import load_site
from sources.problems import ProblemsFound
from tests.settings_house import FILES, SmallSite

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    return SmallSite(tmp_path)


# -- good sites --------------------------------------------------------------------------------------------------------


def test_the_shipped_site_loads() -> None:
    """config/ and dialplans/ of the checkout: four queues, ten agents, number 4000."""
    site = load_site(ROOT / "config", ROOT / "dialplans")
    assert set(site.directory.queues) == {"billing", "technical", "sales", "complaints"}
    assert len(site.directory.agents) == 10
    assert site.flow_for("4000") == "main"
    assert {queue for agent in site.directory.agents.values() for queue in agent.queues} == set(site.directory.queues)
    assert site.queue_name("billing", "zh") == "账单查询"


def test_a_small_site(site: SmallSite) -> None:
    """Durations in milliseconds, agents in the order of the file, numbers to flows."""
    loaded = site.load()
    agents = loaded.directory.agents
    assert [(agent.id, agent.order, agent.wrap_up_ms, agent.queues) for agent in agents.values()] == [
        ("wang", 0, None, ("billing",)),
        ("smith", 1, 20_000, ("billing", "sales")),
    ]
    assert agents["wang"].skills == {"lang_zh": 5, "billing": 4}
    assert (loaded.flow_for("4000"), loaded.flow_for("anything")) == ("main", "main")
    assert [loaded.queue_name("billing", language) for language in ("zh", "en", "fr")] == ["账单", "Billing", "billing"]
    assert loaded.queue_name("sales", "zh") == "sales"
    assert loaded.may_dial("1001")
    assert not loaded.may_dial("2001")


def test_a_queue_has_its_own_settings_before_the_defaults(site: SmallSite) -> None:
    """A setting of the queue, else of `defaults`, else the program's; a group of settings is merged, not replaced."""
    queues = site.load().directory.queues
    assert (queues["billing"].wrap_up_ms, queues["sales"].wrap_up_ms) == (7_000, 5_000)
    assert (queues["billing"].threshold_ms, queues["billing"].target) == (30_000, 90)
    assert (queues["sales"].threshold_ms, queues["sales"].target) == (30_000, 70)
    assert (queues["sales"].max_wait_ms, queues["sales"].strategy) == (600_000, "longest_idle")


def test_a_queue_with_all_defaults(site: SmallSite) -> None:
    """Empty braces are enough; a name with nothing behind it may be a slip, and is asked about."""
    site.write("config/queues.yaml", "queues:\n  billing: {}\n  sales: {}\n")
    assert set(site.load().directory.queues) == {"billing", "sales"}
    site.write("config/queues.yaml", "queues:\n  billing: {}\n  sales:\n")
    assert site.said() == ["config/queues.yaml:3:9: expected settings (name: value), found nothing"]


def test_no_default_flow(site: SmallSite) -> None:
    """Then only the listed numbers are answered."""
    site.change("config/numbers.yaml", "default: main\n", "")
    assert site.load().flow_for("4001") == ""


def test_files_that_may_be_missing(site: SmallSite) -> None:
    """hours, prompts and trunks are there for those who need them."""
    for name in ("hours", "prompts"):
        site.remove(f"config/{name}.yaml")
    site.write("dialplans/main.yaml", "flow: main\nlanguages: [en]\nstart: bye\nnodes:\n  bye: {type: hangup}\n")
    assert site.load().hours == {}


# -- mistakes ----------------------------------------------------------------------------------------------------------

# (file, what stands there, what is written instead, what is said)
MISTAKES = [
    ("hotline", "site: small", "sight: small", "hotline.yaml:1:1: unknown setting 'sight' - did you mean 'site'?"),
    ("hotline", "Asia/Shanghai", "Asia/Peking", "hotline.yaml:3:12: unknown time zone 'Asia/Peking'; write it like Asia/Shanghai or UTC"),
    ("hotline", "country: CN", "country: China", "hotline.yaml:2:10: expected a country in two capital letters such as CN, found 'China'"),
    ("hotline", "[zh, en]", "[]", "hotline.yaml:4:12: "),
    ("hotline", '["1XXX"]', '["1-800"]', "hotline.yaml:6:11: "),
    (
        "hotline",
        "country: CN",
        "limits: {drain: soon}",
        "hotline.yaml:2:17: expected a duration such as 30s, 5m, 1h or 1d, found 'soon'",
    ),
    ("hotline", "country: CN", "limits: {calls: many}", "hotline.yaml:2:17: expected a whole number, found 'many'"),
    ("hotline", "country: CN", "asterisk: {mode: manged}", "hotline.yaml:2:18: unknown value 'manged' - did you mean 'managed'?"),
    ("hotline", "country: CN", "pause_reasons: {12: lunch}", "hotline.yaml:2:17: expected one key"),
    ("hotline", "country: CN", 'emergency: ["police"]', "hotline.yaml:2:13: expected a telephone number, found 'police'"),
    ("hotline", "country: CN", "speech: {en: espeak-ng -w /tmp/x}", "hotline.yaml:2:14: a speech command needs {text}"),
    (
        "hotline",
        "country: CN",
        'speech: {en: "say \'{out} {text}"}',
        "hotline.yaml:2:14: a speech command that cannot be read: No closing quotation",
    ),
    (
        "hotline",
        "country: CN",
        "redis: {url: localhost}",
        "hotline.yaml:2:14: expected an address such as redis://host:6379/0, found 'localhost'",
    ),
    ("numbers", '"4000": main', '"4000": mian', "numbers.yaml:2:11: unknown flow 'mian' - did you mean 'main'?"),
    ("numbers", "default: main", "default: mein", "numbers.yaml:3:10: unknown flow 'mein' - did you mean 'main'?"),
    ("numbers", '"4000"', '"four"', "numbers.yaml:2:3: expected a telephone number, found 'four'"),
    ("queues", "wrap_up: 5s", "wrap_up: 5", "queues.yaml:6:20: expected none, until_done or a duration such as 30s, 5m"),
    ("queues", "wrap_up: 7s", "wrap_up: fast", "queues.yaml:2:12: expected none, until_done or a duration"),
    ("queues", "wrap_up: 7s", "wrapup: 7s", "queues.yaml:2:3: unknown setting 'wrapup' - did you mean 'wrap_up'?"),
    ("queues", "wrap_up: 5s", "strategy: longest_idel", "queues.yaml:6:21: unknown ring strategy 'longest_idel'"),
    ("queues", "target: 70", "target: 101", "queues.yaml:6:48: expected at most 100, found '101'"),
    ("queues", "  sales:", "  sa les: {}\n  sales:", "queues.yaml:6:3: expected a name of letters, digits, _ and -, found 'sa les'"),
    ("queues", "wrap_up: 5s", "max_waiting: 0", "queues.yaml:6:24: "),
    ("queues", "wrap_up: 5s", "weight: 0", "queues.yaml:6:19: "),
    ("queues", "{wrap_up: 5s, service_level: {target: 70}}", "quick", "queues.yaml:6:10: expected settings (name: value), found 'quick'"),
    ("agents", "queues: [billing]", "queues: [biling]", "agents.yaml:2:78: unknown queue 'biling' - did you mean 'billing'?"),
    ("agents", '"1002"', '"1001"', "agents.yaml:3:31: phone 1001 is already the phone of 'wang'"),
    ("agents", '"1002"', '"4000"', "agents.yaml:3:31: phone 4000 is one of the numbers that a flow answers"),
    ("agents", '"1002"', '"+8613800138000"', "agents.yaml:3:31: expected a SIP account"),
    ("agents", "lang_en: 5", "lang_en: 6", "agents.yaml:3:57: expected at most 5, found '6'"),
    ("agents", "name: Alice, ", "", "agents.yaml:3:3: missing setting 'name'"),
    ("agents", "wrap_up: 20s", "wrap_upp: 20s", "agents.yaml:3:87: unknown setting 'wrap_upp' - did you mean 'wrap_up'?"),
    ("hours", "09:00-18:00", "9-18", "hours.yaml:3:21: "),
    ("hours", "mon-fri", "mon-fry", "hours.yaml:3:"),
    ("hours", '"2026-10-10"', '"2026-13-10"', "hours.yaml:5:"),
    ("hours", "09:00-12:00", "soon", "hours.yaml:5:"),
    ("hours", "holidays: CN", "holidays: Atlantis", "hours.yaml:4:15: "),
]


@pytest.mark.parametrize(("file", "found", "instead", "said"), MISTAKES, ids=[f"{file}: {instead}" for file, _, instead, _ in MISTAKES])
def test_a_mistake_is_told_once_at_its_place(site: SmallSite, file: str, found: str, instead: str, said: str) -> None:
    """file:line:column, what was found, what to do; nothing else is complained about because of it."""
    site.change(f"config/{file}.yaml", found, instead)
    (problem,) = site.said()
    assert problem.startswith(f"config/{said}")


@pytest.mark.parametrize("file", ["hotline", "numbers", "queues", "agents"])
def test_a_missing_file(site: SmallSite, file: str) -> None:
    """Named, with where to read what belongs into it."""
    site.remove(f"config/{file}.yaml")
    assert f"config/{file}.yaml:1:1: this file is missing - see docs/config.md for what belongs into it" in site.said()


@pytest.mark.parametrize("file", ["numbers", "queues", "agents", "hours", "prompts"])
def test_a_file_that_cannot_be_read_is_the_only_problem(site: SmallSite, file: str) -> None:
    """What other files say about its content is not judged: a wrong indentation is one mistake, not thirty."""
    site.write(f"config/{file}.yaml", "a: [\n")
    assert [problem.split(":")[0] for problem in site.said()] == [f"config/{file}.yaml"]


def test_a_trunk_is_checked(site: SmallSite) -> None:
    """The same way as everything else."""
    site.write("config/trunks.yaml", "trunks:\n  carrier: {kind: registration, host: sip.example.com}\n  gate: {kind: ip, hosts: x}\n")
    assert site.said() == [
        "config/trunks.yaml:2:12: a trunk of kind registration needs username and password",
        "config/trunks.yaml:3:3: missing setting 'host'",
        "config/trunks.yaml:3:20: unknown setting 'hosts' - did you mean 'host'?",
    ]


def test_a_trunks_values_are_told_in_words(site: SmallSite) -> None:
    """Each says what was expected; a password is not repeated. What would become another line of a file of Asterisk's is no value."""
    site.write(
        "config/trunks.yaml",
        """\
trunks:
  Carrier: {kind: ip, host: h}
  gate:
    kind: ip
    host: "sip example"
    match: ["192.0.2.0/x"]
    username: "a;b"
    password: "pass word"
    caller_id: "12-34"
    codecs: []
    expiry: 5
    from_domain: "evil\\nhost = x"
""",
    )
    assert [line.removeprefix("config/trunks.yaml:") for line in site.said()] == [
        "2:3: expected a name of small letters, digits, _ and -, a letter first, found 'Carrier'",
        "5:11: expected a host such as sip.example.com, 192.0.2.10 or [2001:db8::1]:5080, found 'sip example'",
        "6:13: expected an address or a network such as 192.0.2.10 or 192.0.2.0/28, found '192.0.2.0/x'",
        '7:15: expected no spaces and none of ; " < > $ \\ in a user name or password',
        '8:15: expected no spaces and none of ; " < > $ \\ in a user name or password',
        "9:16: expected a telephone number such as +861012345678, found '12-34'",
        "10:13: expected a list of at least 1, found an empty one",
        "11:13: expected at least 60, found '5'",
        "12:18: expected a host such as sip.example.com, 192.0.2.10 or [2001:db8::1]:5080, found 'evil\\nhost = x'",
    ]


def test_two_outbound_trunks(site: SmallSite) -> None:
    """Calls to the outside leave by one line: which one must be said."""
    site.write("config/trunks.yaml", "trunks:\n  a: {kind: ip, host: h1, outbound: yes}\n  b: {kind: ip, host: h2, outbound: yes}\n")
    (problem,) = site.said()
    assert problem.startswith("config/trunks.yaml:3:37: the trunk 'a' is outbound already")


def test_every_problem_of_every_file_at_once(site: SmallSite) -> None:
    """Nobody has to start it again to see the next mistake."""
    site.change("config/hotline.yaml", "country: CN", "country: cn")
    site.change("config/numbers.yaml", '"4000": main', '"4000": mian')
    site.change("config/queues.yaml", "wrap_up: 5s", "wrap_up: long")
    site.change("config/agents.yaml", '"1002"', '"1001"')
    site.change("config/hours.yaml", "09:00-18:00", "morning")
    site.change("dialplans/main.yaml", "queue: billing", "queue: bilings")
    assert [problem.partition(": ")[0].rsplit(":", 2)[0] for problem in site.said()] == [
        "config/agents.yaml",
        "config/hotline.yaml",
        "config/hours.yaml",
        "config/numbers.yaml",
        "config/queues.yaml",
        "dialplans/main.yaml",
    ]


def test_two_mistakes_in_one_queue(site: SmallSite) -> None:
    """Both are told, each once, although the queue is read with its defaults again."""
    site.change("config/queues.yaml", "wrap_up: 5s", "wrap_up: long, strategy: none")
    assert [problem.split(": ")[0] for problem in site.said()] == ["config/queues.yaml:6:20", "config/queues.yaml:6:36"]


def test_a_secret_file_that_is_not_there(site: SmallSite) -> None:
    """Told when the configuration is read, not when the first connection fails."""
    site.change("config/hotline.yaml", "country: CN", "asterisk: {mode: external, ami_secret_file: ami.secret}")
    (problem,) = site.said()
    assert problem.startswith("config/hotline.yaml:2:45: cannot be read")
    site.write("config/ami.secret", "s3cret\n")
    assert site.said() == []


def test_a_fallback_that_may_not_be_dialled(site: SmallSite) -> None:
    """It would fail in the very moment in which it is needed."""
    site.change("config/hotline.yaml", "country: CN", 'asterisk: {fallback: {dial: "2000"}}')
    (problem,) = site.said()
    assert problem.startswith("config/hotline.yaml:2:29: the fallback 2000 is no number that may be dialled")


def test_folders_that_are_not_there(tmp_path: Path) -> None:
    """Both are named, not every file that should be in them."""
    with pytest.raises(ProblemsFound) as found:
        load_site(tmp_path / "config", tmp_path / "dialplans")
    assert [problem.hint for problem in found.value.problems] == [
        "name your site's with --config DIR",
        "name your site's with --dialplans DIR",
    ]


@pytest.mark.parametrize(
    ("found", "instead", "problem"),
    [
        ("country: CN", "country: china", "config/hotline.yaml:2:10: expected a country in two capital letters such as CN, found 'china'"),
        ("country: CN", "country：CN", "config/hotline.yaml:2:8: full-width colon '：' - write ':'"),
    ],
)
def test_a_mistake_in_the_settings_is_not_blamed_on_flows_in_one_language(site: SmallSite, found: str, instead: str, problem: str) -> None:
    """A site that speaks Chinese alone hears of its mistake, and not of English that its prompts lack."""
    site.change("config/hotline.yaml", "languages: [zh, en]", "languages: [zh]")
    site.write("config/prompts.yaml", "prompts:\n  goodbye: {zh: 再见。}\n")
    site.change("config/hotline.yaml", found, instead)
    assert site.said() == [problem]


@pytest.mark.parametrize(("name", "thing"), [("queues", "queue"), ("agents", "agent"), ("numbers", "number")])
def test_an_empty_file_is_told_once(site: SmallSite, name: str, thing: str) -> None:
    """A file of comments only is that one problem, not every name that is missed in it."""
    site.write(f"config/{name}.yaml", "# later\n")
    hint = f"write {name}: {{}} if there is to be none"
    assert site.said() == [f"config/{name}.yaml:1:1: there is no {thing} in this file - {hint}"]


def test_one_number_in_two_spellings(site: SmallSite) -> None:
    """With and without the country it is the same number."""
    site.change("config/numbers.yaml", '  "4000": main\n', '  "01012345678": main\n  "+861012345678": main\n')
    told = "the number +861012345678 is written twice: 01012345678 is the same"
    assert site.said() == [f"config/numbers.yaml:3:3: {told} - remove one of them"]


@given(st.sampled_from(sorted(FILES)), st.integers(0, 400), st.integers(0, 40), st.text(max_size=12))
def test_a_damaged_file_is_a_problem_or_a_whole_site(
    tmp_path_factory: pytest.TempPathFactory, name: str, at: int, cut: int, instead: str
) -> None:
    """Whatever stands in a file: either everything fits together, or every problem is told; never an exception of another kind."""
    site = SmallSite(tmp_path_factory.mktemp("site"))
    text = FILES[name]
    (site.folder / name).write_bytes((text[:at] + instead + text[at + cut :]).encode("utf-8", "surrogatepass"))
    if problems := site.problems():
        assert all(problem.message and problem.position.line >= 1 and problem.position.column >= 1 for problem in problems)
        return
    loaded = site.load()
    assert all(flow in loaded.flows for flow in loaded.numbers.values())
    assert all(queue in loaded.directory.queues for agent in loaded.directory.agents.values() for queue in agent.queues)
