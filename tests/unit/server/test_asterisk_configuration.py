"""Asterisk's configuration, written from a plan."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from server.asterisk.configuration import Apology, ConfigurationError, PhoneAccount, Plan, render
from server.asterisk.modules import OPTIONAL_MODULES, REQUIRED_MODULES
from server.settings.trunks import Trunk, TrunksFile

pytestmark = pytest.mark.unit

CARRIER = Trunk(
    kind="registration", host="sip.carrier.example", username="861055550000", password="s3cret", outbound=True, caller_id="+861055550000"
)
GATEWAY = Trunk(kind="ip", host="192.0.2.10", match=["192.0.2.10", "192.0.2.64/28"], codecs=["alaw"], dtmf="inband")

PLAN = Plan(
    state=Path("/state"),
    run=Path("/state/run"),
    modules=Path("/asterisk/modules"),
    data=Path("/asterisk/data"),
    available_modules=frozenset(f"{name}.so" for name in REQUIRED_MODULES + OPTIONAL_MODULES),
    music=Path("/state/music"),
    ami_user="hotline",
    ami_secret="ami-secret",
    agi_servers=("127.0.0.1:4573", "127.0.0.1:4574"),
    phones=(PhoneAccount("1001", "secret-1", "王芳"), PhoneAccount("caller", "secret-2", "Guest", context="callers", contacts=5)),
    numbers=("4000",),
    trunks={"carrier": CARRIER, "gateway": GATEWAY},
    outbound=("1XXX", "+8610XXXXXXXX"),
    emergency=("110", "119"),
    fallback="+861055551234",
    apologies=(Apology("zh", Path("/state/sounds/sorry-zh")),),
)


def context(dialplan: str, name: str) -> str:
    """One context of extensions.conf without its comments."""
    body = re.split(r"^\[", dialplan.split(f"\n[{name}]\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    return "\n".join(line for line in body.splitlines() if line.strip() and not line.startswith(";"))


def sections(text: str, name: str) -> list[str]:
    """The sections of pjsip.conf that are called `name`."""
    return [part.split("]", 1)[1] for part in re.split(r"^\[", text, flags=re.MULTILINE) if part.startswith(f"{name}]")]


def test_a_trunk_reaches_the_hotline_and_nothing_else() -> None:
    """A call from outside can neither dial out nor include another context."""
    trunks = context(render(PLAN)["extensions.conf"], "hotline-trunks")

    patterns = [f"exten => _[+0-9]{'X' * length},1,Goto(hotline,${{EXTEN}},1)" for length in range(32)]
    assert trunks.splitlines() == [*patterns, "exten => s,1,Goto(hotline,0,1)"]


def test_no_line_can_call_what_is_no_number() -> None:
    """No pattern that a line reaches ends in ! or a dot: it would take a line break, and with it a forged event of AMI."""
    for plan in (PLAN, replace(PLAN, any_number=False)):
        called = re.findall(r"(?m)^exten => ([^,]+),", context(render(plan)["extensions.conf"], "hotline-trunks"))
        assert called
        assert all(re.fullmatch(r"s|_\[\+0-9\]X*|[+0-9*#]+", pattern) for pattern in called)


def test_what_a_line_says_of_its_caller_reaches_no_event() -> None:
    """The endpoint has a caller ID of its own; the dialplan reads the headers first of all, and keeps what is harmless."""
    files = render(PLAN)
    for name in PLAN.trunks:
        endpoint = sections(files["pjsip.conf"], name)[0]
        assert "callerid = unknown <0>" in endpoint
        assert "trust_id_inbound = no" in endpoint
        assert f"set_var = HOTLINE_TRUNK={name}" in endpoint
    first = [line for line in context(files["extensions.conf"], "hotline").splitlines() if "AGI" in line or "Gosub" in line]
    assert first[0].endswith("Gosub(hotline-caller,s,1)")
    caller = context(files["extensions.conf"], "hotline-caller")
    assert [line.split("FILTER(")[1][:3] for line in caller.splitlines() if "Set(CALLERID(name)" in line] == ["0-9"]


def test_without_a_default_flow_a_trunk_reaches_only_listed_numbers() -> None:
    """any_number=False leaves the numbers of the site."""
    trunks = context(render(replace(PLAN, any_number=False))["extensions.conf"], "hotline-trunks")

    assert trunks == "exten => 4000,1,Goto(hotline,${EXTEN},1)"


def test_a_phone_that_tries_the_hotline_reaches_only_our_numbers() -> None:
    """The account `caller` cannot dial agents or the outside."""
    assert context(render(PLAN)["extensions.conf"], "hotline-callers") == "exten => 4000,1,Goto(hotline,${EXTEN},1)"


def test_names_collide_with_nobodys() -> None:
    """Pasted into an Asterisk that has contexts and templates of its own, ours are not merged into them: each name begins with hotline."""
    files = render(PLAN)
    contexts = set(re.findall(r"^\[([^]]+)\]", files["extensions.conf"], re.MULTILINE)) - {"general", "globals"}
    templates = re.findall(r"^\[([^]]+)\]\(!\)", files["pjsip.conf"], re.MULTILINE)
    variables = re.findall(r"^(\w+) = ", files["extensions.conf"].split("[globals]")[1], re.MULTILINE)

    assert len(contexts) == 13
    assert [name for name in contexts if not re.fullmatch("hotline(-[a-z-]+)?", name)] == []
    assert [name for name in templates if not name.startswith("hotline-")] == []
    assert [name for name in variables if not name.startswith("HOTLINE_")] == []


def test_agents_have_feature_codes() -> None:
    """*42N hands over the number of the reason."""
    agents = context(render(PLAN)["extensions.conf"], "hotline-agents")

    assert "exten => *40,1,Gosub(hotline-served,${EXTEN},1(agent,login))" in agents
    assert "exten => _*42X,1,Gosub(hotline-served,${EXTEN},1(agent,pause ${EXTEN:3}))" in agents
    assert "include => hotline-outbound" in agents


def test_emergency_numbers_and_allowed_patterns_leave_by_the_outbound_trunk() -> None:
    """Nothing that config/ does not name is in the context."""
    outbound = context(render(PLAN)["extensions.conf"], "hotline-outbound")

    assert re.findall(r"^exten => ([^,]+),", outbound, re.MULTILINE) == ["1001", "110", "119", "_1XXX", "_+8610XXXXXXXX"]
    assert outbound.count("Dial(PJSIP/${EXTEN}@carrier,120,i)") == 4
    assert "Set(CALLERID(num)=+861055550000)" in outbound


def test_without_an_outbound_trunk_there_is_no_way_out() -> None:
    """An emergency number is then an error in the log, never silence."""
    outbound = context(render(replace(PLAN, trunks={}))["extensions.conf"], "hotline-outbound")

    assert "@" not in outbound
    assert "exten => 110,1,Log(ERROR," in outbound


def test_a_call_goes_from_server_to_server_until_one_says_done() -> None:
    """AGIEXITONHANGUP and music come before the AGI; apology and fallback come after it."""
    dialplan = render(PLAN)["extensions.conf"]
    served = context(dialplan, "hotline-served")
    hotline = context(dialplan, "hotline")

    assert "HOTLINE_SERVERS = 127.0.0.1:4573&127.0.0.1:4574" in dialplan
    assert served.index("AGIEXITONHANGUP=yes") < served.index("StartMusicOnHold(default)") < served.index("AGI(agi://")
    assert (
        hotline.index("Gosub(hotline-served")
        < hotline.index("Playback(/state/sounds/sorry-zh)")
        < hotline.index("Dial(Local/+861055551234@hotline-outbound")
    )
    assert "Set(TIMEOUT(absolute)=14400)" in hotline


def test_a_site_that_stops_refuses_new_calls_and_keeps_nobody_waiting() -> None:
    """503 before anything else for whoever is not in the line yet, and no next try for those who are; a talk that is over just ends."""
    dialplan = render(PLAN)["extensions.conf"]
    first, *rest = context(dialplan, "hotline").splitlines()

    assert first.endswith(',1,GotoIf($["${HOTLINE_CLOSED}" = "1" & "${CHANNEL(state)}" != "Up"]?closed)')
    assert " same => n(closed),Hangup(34)" in rest
    assert ' same => n,GotoIf($["${HOTLINE_CLOSED}" = "1" & "${DIALSTATUS}" = "ANSWER"]?done)' in rest
    assert 'GotoIf($["${HOTLINE_DONE}" = "1" | "${HOTLINE_CLOSED}" = "1"]?end)' in context(dialplan, "hotline-served")


def test_no_pattern_matches_the_extensions_that_asterisk_keeps_for_itself() -> None:
    """A pattern that fits `h` would run the hotline on a channel that is gone."""
    patterns = re.findall(r"^exten => (_[^,]+),", render(PLAN)["extensions.conf"], re.MULTILINE)

    assert not [pattern for pattern in patterns if re.match(r"_\[[^\]]*[a-zA-Z][^\]]*\]!$|_[.!]$", pattern)]


def test_every_endpoint_has_time_outs_and_no_anonymous_one_exists() -> None:
    """A dead phone is noticed, a stranger refused, a trunk cannot transfer."""
    files = render(PLAN)
    pjsip = files["pjsip.conf"]

    assert "rtp_timeout = 30" in pjsip
    assert "qualify_frequency = 20" in pjsip
    assert "anonymous" not in re.sub(r"^;.*$", "", pjsip, flags=re.MULTILINE)
    assert "endpoint_identifier_anonymous" not in files["modules.conf"]
    assert "allow_transfer = yes" in sections(pjsip, "1001")[0]
    assert "allow_transfer = no" in sections(pjsip, "caller")[0]
    for name in PLAN.trunks:
        assert "allow_transfer = no" in sections(pjsip, name)[0]
        assert "context = hotline-trunks" in sections(pjsip, name)[0]


def test_a_trunk_is_known_by_its_address_alone_and_a_phone_by_its_name() -> None:
    """Nobody becomes a trunk by naming it; and an address that is a trunk's stays one, whatever name is in From."""
    pjsip = render(PLAN)["pjsip.conf"]

    assert "endpoint_identifier_order = ip,username" in pjsip
    assert all("identify_by = ip\n" in sections(pjsip, name)[0] for name in PLAN.trunks)
    assert "identify_by = username\n" in pjsip[pjsip.index("[hotline-phone](!)") : pjsip.index("[hotline-place](!)")]


def test_media_stays_on_loopback_unless_listening_everywhere() -> None:
    """bind_rtp_to_media_address ties RTP to the address of SIP."""
    assert "media_address = 127.0.0.1\nbind_rtp_to_media_address = yes" in render(PLAN)["pjsip.conf"]
    assert "media_address" not in render(replace(PLAN, listen="0.0.0.0"))["pjsip.conf"]


def test_a_carrier_is_registered_with_and_a_gateway_known_by_address() -> None:
    """Codecs, DTMF mode and addresses come from config/trunks.yaml."""
    pjsip = render(PLAN)["pjsip.conf"]
    carrier, gateway = "".join(sections(pjsip, "carrier")), "".join(sections(pjsip, "gateway"))

    assert "type = registration" in carrier
    assert "client_uri = sip:861055550000@sip.carrier.example" in carrier
    assert "type = registration" not in gateway
    assert "match = 192.0.2.10\nmatch = 192.0.2.64/28\n" in gateway
    assert "allow = alaw\ndtmf_mode = inband" in gateway


def test_ami_has_the_least_rights() -> None:
    """No command, no system, no configuration; loopback only; filtered events."""
    manager = render(PLAN)["manager.conf"]

    assert "read = call,dtmf,user\nwrite = call,originate,reporting\n" in manager
    assert "bindaddr = 127.0.0.1" in manager
    assert "deny = 0.0.0.0/0.0.0.0\npermit = 127.0.0.1/255.255.255.255\n" in manager
    assert "eventfilter = Event: Hangup" in manager
    assert "channelvars = HOTLINE_OFFER" in manager


@pytest.mark.parametrize("value", ["Eve\nexten => 1,1,System(id)", "Eve;", 'Eve" <1>', "${SHELL(id)}", "a`id`", "a\\", "a\x00"])
def test_a_value_that_could_end_its_line_is_refused(value: str) -> None:
    """A name, a secret or a path injects nothing into Asterisk's files."""
    for plan in (
        replace(PLAN, phones=(PhoneAccount("1001", "secret", value),)),
        replace(PLAN, phones=(PhoneAccount("1001", value),)),
        replace(PLAN, ami_secret=value),
        replace(PLAN, state=Path(f"/state/{value}")),
    ):
        with pytest.raises(ConfigurationError, match="cannot stand in Asterisk's configuration"):
            render(plan)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"numbers": ("40-00",)}, "a telephone number"),
        ({"numbers": ("4000\n",)}, "a telephone number"),
        ({"outbound": (".",)}, "a number pattern"),
        ({"outbound": ("_X.",)}, "a number pattern"),
        ({"agi_servers": ("127.0.0.1:1,System(id)",)}, "an address HOST:PORT"),
        ({"phones": (PhoneAccount("a]b", "s"),)}, "a SIP account name"),
        ({"phones": (PhoneAccount("1001", "s"), PhoneAccount("1001", "t"))}, "there twice"),
        ({"phones": (PhoneAccount("1001", "s", context="trunks"),)}, "it is agents or callers"),
        ({"trunks": {"a": CARRIER, "b": CARRIER}}, "are both outbound"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_with_a_sentence(change: dict[str, object], words: str) -> None:
    """What stands in a dialplan pattern is checked more strictly than text."""
    with pytest.raises(ConfigurationError, match=words):
        replace(PLAN, **change)  # type: ignore[arg-type]


def test_missing_modules_are_named() -> None:
    """An Asterisk built without FastAGI is refused before it is started."""
    with pytest.raises(ConfigurationError, match="res_agi"):
        render(replace(PLAN, available_modules=PLAN.available_modules - {"res_agi.so"}))


def test_modules_that_this_asterisk_lacks_are_not_asked_for() -> None:
    """An optional module appears only where it is there."""
    modules = render(replace(PLAN, available_modules=PLAN.available_modules - {"codec_opus.so"}))["modules.conf"]

    assert "codec_opus.so" not in modules
    assert "require = res_agi.so" in modules


def test_trunks_are_read_from_text() -> None:
    """Everything in the YAML is text; the schema gives the types."""
    read = TrunksFile.model_validate({"trunks": {"gw": {"kind": "ip", "host": "192.0.2.1:5080", "outbound": "yes", "expiry": "300"}}})

    assert read.trunks["gw"].outbound is True
    assert read.trunks["gw"].expiry == 300


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": "registration", "host": "sip.carrier.example"},
        {"kind": "ip", "host": "x\nmatch=0.0.0.0/0"},
        {"kind": "ip", "host": "x", "codecs": ["mp3"]},
        {"kind": "ip", "host": "x", "secret": "y"},
        {"kind": "registration", "host": "x", "username": "a;b", "password": "c"},
    ],
)
def test_a_trunk_that_cannot_be_is_refused(facts: dict[str, object]) -> None:
    """A registration needs an account; unknown codecs, settings and harmful text are errors."""
    with pytest.raises(ValidationError):
        Trunk.model_validate(facts)


def test_who_picks_up_is_connected_by_the_last_line_only() -> None:
    """The routine fails closed: BUSY is set first and cleared last, and an unanswered question ends before that."""
    lines = context(render(PLAN)["extensions.conf"], "hotline-picked-up").splitlines()

    assert lines[0] == "exten => s,1,Set(GOSUB_RESULT=BUSY)"
    assert [at for at, line in enumerate(lines) if "GOSUB_RESULT" in line] == [0, lines.index(" same => n(take),Set(GOSUB_RESULT=)")]
    unanswered = lines.index(' same => n,GotoIf($["${key}" = "1"]?take)')
    assert lines[unanswered + 1 :] == [" same => n,Return()", " same => n(mute),UserEvent(HotlineNoAudio)", " same => n,Return()"]


def test_phones_that_answer_by_themselves_are_told_in_the_invite() -> None:
    """The semicolon would begin a comment."""
    lines = context(render(PLAN)["extensions.conf"], "hotline-self-answering")

    assert "Set(PJSIP_HEADER(add,Call-Info)=<sip:hotline>\\;answer-after=0)" in lines
    assert "Set(PJSIP_HEADER(add,Alert-Info)=auto-answer)" in lines


def test_what_is_called_over_a_trunk_sees_our_number() -> None:
    """The account where there is one, else caller_id; without either the caller's number is shown."""
    files = [
        render(replace(PLAN, trunks={"carrier": trunk}))["pjsip.conf"]
        for trunk in (CARRIER, GATEWAY, GATEWAY.model_copy(update={"caller_id": "+8610"}))
    ]

    assert ["from_user = 861055550000" in files[0], "from_user" in files[1], "from_user = +8610" in files[2]] == [True, False, True]
