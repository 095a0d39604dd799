"""What a running Asterisk is told when its files have changed."""

import pytest

from server.asterisk.changes import read_at_start, reloads

pytestmark = pytest.mark.unit
UDP = "[udp]\ntype = transport\nbind = 127.0.0.1:5060\n\n"
FILES = {"extensions.conf": "a", "pjsip.conf": UDP + "[1001]\ntype = endpoint\n", "modules.conf": "c", "features.conf": "d"}


def test_nothing_is_read_again_without_a_change() -> None:
    assert reloads(FILES, dict(FILES)) == read_at_start(FILES, dict(FILES)) == []


def test_a_new_number_and_a_new_phone_are_read_again() -> None:
    """Each file by its own command; what has not changed is left alone."""
    now = FILES | {"extensions.conf": "new", "pjsip.conf": FILES["pjsip.conf"] + "[1002]\ntype = endpoint\n"}
    assert reloads(FILES, now) == ["dialplan reload", "module reload res_pjsip.so"]
    assert read_at_start(FILES, now) == []


def test_what_asterisk_reads_at_its_start_alone_is_named() -> None:
    """Its modules, and the address that SIP is bound to; also a file that was not there before."""
    now = FILES | {"modules.conf": "more", "new.conf": "x", "pjsip.conf": FILES["pjsip.conf"].replace("127.0.0.1", "192.0.2.5")}
    assert read_at_start(FILES, now) == ["modules.conf", "new.conf", "pjsip.conf"]
