"""Where the host's distribution is fetched from."""

import pytest

from server.install.apt_sources import distribution_source, read_deb822, read_list
from server.install.packages import Download, read_plan

pytestmark = pytest.mark.unit

DEB822 = """# comment
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/distribution.gpg

Types: deb
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: https://third.example/node
Suites: nodistro
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----
"""


def test_paragraph_sources_are_read() -> None:
    """Disabled entries, security entries and third parties are not the distribution."""
    source = distribution_source(list(read_deb822(DEB822)), "bookworm")

    assert source is not None
    assert source.line("forky", ("main",)) == "deb [signed-by=/usr/share/keyrings/distribution.gpg] http://mirror.example/debian forky main"


def test_one_line_sources_are_read_with_their_options() -> None:
    """A mirror of a fixed date keeps its check-valid-until=no."""
    text = """
# deb http://old.example/debian bookworm main
deb-src http://mirror.example/debian bookworm main
deb https://third.example/cloud cloud-sdk main
deb [arch=amd64 check-valid-until=no] http://mirror.example/debian/20260101T000000Z bookworm main universe # dated
"""
    source = distribution_source(list(read_list(text)), "bookworm")

    assert source is not None
    assert source.line("forky", ("main",)) == "deb [check-valid-until=no] http://mirror.example/debian/20260101T000000Z forky main"


def test_a_host_without_its_distributions_source_has_none() -> None:
    """Third parties are never taken for the distribution."""
    assert distribution_source(list(read_deb822(DEB822)), "noble") is None
    assert distribution_source([], "bookworm") is None


def test_the_plan_of_apt_is_read() -> None:
    """Names, versions with an epoch and sizes; other lines are passed over."""
    text = """Reading package lists...
'http://m.example/pool/a/asterisk_1%3a22.1-1_amd64.deb' asterisk_1%3a22.1-1_amd64.deb 2534036 MD5Sum:0f
'http://m.example/pool/l/libx_2+b1_all.deb' libx_2+b1_all.deb 12 SHA256:aa
"""
    assert read_plan(text) == [Download("asterisk", "1:22.1-1", 2534036), Download("libx", "2+b1", 12)]
