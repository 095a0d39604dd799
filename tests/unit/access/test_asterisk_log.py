"""Lines as Asterisk 22 wrote them, some of them for requests that try to put another address into the log."""

import pytest

from server.access.asterisk_log import Seen, read_line

pytestmark = pytest.mark.unit

NOTICE = "[2026-11-26 23:45:59.150] NOTICE[30221] res_pjsip/pjsip_distributor.c: "
SECURITY = "[2026-11-26 23:45:59.274] SECURITY[30240] res_security_log.c: "
INFO = 'EventTV="2026-11-26T23:45:59.274+0000",Severity="Informational",Service="PJSIP",EventVersion="1"'
LOCAL = 'LocalAddress="IPV4/UDP/192.0.2.1/5060"'


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        (
            NOTICE + "Request 'INVITE' from '<sip:5@h>' failed for '192.0.2.66:38280' (callid: 5-1@x) - No matching endpoint found",
            Seen("192.0.2.66", "failed"),
        ),
        (
            NOTICE + "Request 'REGISTER' from '<sip:5@h>' failed for '192.0.2.66:1' (callid: 5) - No matching endpoint found"
            " after 5 tries in 1.250 ms",
            Seen("192.0.2.66", "failed"),
        ),
        (
            NOTICE + "Request 'REGISTER' from '<sip:1001@192.0.2.1>' failed for '192.0.2.69:47609' (callid: c0) - Failed to authenticate",
            Seen("192.0.2.69", "failed"),
        ),
        (
            NOTICE + "Request 'REGISTER' from '<sip:1001@h>' failed for '2001:db8::5:5060' (callid: c0) - Failed to authenticate",
            Seen("2001:db8::5", "failed"),
        ),
        (
            "[2026-11-26 23:40:18.928] WARNING[26745] res_pjsip_acl.c: Incoming SIP message from 192.0.2.66:41952 did not pass ACL test",
            Seen("192.0.2.66", "refused"),
        ),
        (
            f'{SECURITY}SecurityEvent="ChallengeSent",{INFO},AccountID="<unknown>",SessionID="a",{LOCAL},'
            'RemoteAddress="IPV4/UDP/192.0.2.68/33162",Challenge=""',
            Seen("192.0.2.68", "asked"),
        ),
        (
            f'{SECURITY}SecurityEvent="SuccessfulAuth",{INFO},AccountID="1001",SessionID="a",{LOCAL},'
            'RemoteAddress="IPV6/TLS/2001:db8::5/33162",UsingPassword="1"',
            Seen("2001:db8::5", "admitted"),
        ),
    ],
)
def test_a_line_says_what_an_address_did(line: str, seen: Seen) -> None:
    """The address is that of the packet."""
    assert read_line(line) == seen


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        (  # a display name
            NOTICE
            + "Request 'REGISTER' from '\"x' failed for '10.9.9.9:1' (callid: 1) - No matching endpoint found\" <sip:evil@192.0.2.69>' "
            "failed for '192.0.2.69:47609' (callid: a3) - No matching endpoint found",
            Seen("192.0.2.69", "failed"),
        ),
        (  # a Call-ID with quotes
            f'{SECURITY}SecurityEvent="ChallengeSent",{INFO},AccountID="<unknown>",SessionID="q",LocalAddress="IPV4/UDP/1.1.1.1/1",'
            f'RemoteAddress="IPV4/UDP/10.9.9.7/1",Challenge="0"",{LOCAL},RemoteAddress="IPV4/UDP/192.0.2.69/47609",Challenge=""',
            Seen("192.0.2.69", "asked"),
        ),
        (  # an account with a line break: the beginning of a line is lost, and what is behind it decides
            f'",RemoteAddress="IPV4/UDP/10.9.9.",SessionID="q",RemoteAddress="IPV4/UDP/10.9.9.7/1",Challenge="0"",{LOCAL},'
            'RemoteAddress="IPV4/UDP/192.0.2.69/47609"',
            None,
        ),
        (  # what a digest says stands behind the address, so these lines are not believed; a NOTICE tells the same
            f'{SECURITY}SecurityEvent="ChallengeResponseFailed",{INFO},AccountID="1001",SessionID="c0",{LOCAL},'
            'RemoteAddress="IPV4/UDP/192.0.2.69/47609",Challenge="1",Response="a",RemoteAddress="IPV4/UDP/10.9.9.6/1",Challenge=""',
            None,
        ),
        (NOTICE + "Request 'REGISTER' from '<sip:a@b>' failed for 'not an address:1' (callid: a) - Failed to authenticate", None),
        (NOTICE + "Request 'REGISTER' from '<sip:a@b>' failed for '999.1.1.1:1' (callid: a) - Failed to authenticate", None),
        ("", None),
        ("[2026-11-26 23:38:33.575] NOTICE[22439] loader.c: 93 modules will be loaded.", None),
    ],
)
def test_text_from_outside_names_nobody_else(line: str, seen: Seen | None) -> None:
    """Nobody gets another one banned by what stands in a request."""
    assert read_line(line) == seen
