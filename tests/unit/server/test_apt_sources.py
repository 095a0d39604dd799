"""Where the host's distribution is fetched from."""

import subprocess
from pathlib import Path

import pytest

from server.install.apt_sources import distribution_source, read_deb822, read_list
from server.install.packages import Download, InstallError, read_plan, suite_of_host
from server.install.programs import write_start_script

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


def host(etc: Path, release: str, source: str) -> Path:
    """An /etc of a host."""
    (etc / "apt/sources.list.d").mkdir(parents=True)
    (etc / "os-release").write_text(release)
    (etc / "apt/sources.list.d/host.sources").write_text(source)
    return etc


def test_debian_12_and_13_take_asterisk_from_their_successor(tmp_path: Path) -> None:
    """They have none of their own; the mirror stays the host's."""
    etc = host(tmp_path, 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_CODENAME=bookworm\n', DEB822)

    suite, source = suite_of_host(etc)

    assert (suite, source.uri) == ("forky", "http://mirror.example/debian")


def test_a_distribution_that_has_asterisk_serves_itself(tmp_path: Path) -> None:
    """Ubuntu 24.04 keeps it in universe."""
    text = "Types: deb\nURIs: http://mirror.example/ubuntu\nSuites: noble noble-updates\nComponents: main restricted universe\n"
    etc = host(tmp_path, "ID=ubuntu\nVERSION_CODENAME=noble\n", text)

    suite, source = suite_of_host(etc)

    assert source.line(suite, ("main", "universe")) == "deb http://mirror.example/ubuntu noble main universe"


def test_another_host_is_told_what_to_install(tmp_path: Path) -> None:
    """Where there is no apt the sentence says what would do."""
    (tmp_path / "os-release").write_text('PRETTY_NAME="Other Linux 1"\nID=other\n')

    with pytest.raises(InstallError, match=r"Other Linux 1.*install Asterisk 20 or newer and espeak-ng"):
        suite_of_host(tmp_path)


def test_an_unpacked_program_starts_with_its_own_libraries(tmp_path: Path) -> None:
    """The script finds its folder by itself, so the folder may be renamed into place afterwards, and its path may have spaces."""
    fresh = tmp_path / "fresh"
    libraries = fresh / "usr/lib/x86_64-linux-gnu"
    for path in (libraries / "ld-linux-x86-64.so.2", libraries / "pulse/libpulsecommon.so", fresh / "usr/bin/program"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    loader = libraries / "ld-linux-x86-64.so.2"
    loader.write_text('#!/bin/sh\nprintf "%s\\n" "$DATA" "$@"\n')
    loader.chmod(0o755)
    write_start_script(fresh, "program", "usr/bin/program", {"DATA": "$root/usr/share"})
    place = fresh.rename(tmp_path / "a place")

    said = subprocess.run([place / "bin/program", "an argument"], capture_output=True, text=True, check=True).stdout.splitlines()

    lib = f"{place}/usr/lib/x86_64-linux-gnu"
    assert said == [f"{place}/usr/share", "--library-path", f"{lib}:{lib}/pulse", f"{place}/usr/bin/program", "an argument"]


def test_packages_without_the_program_are_refused(tmp_path: Path) -> None:
    """A mirror that has changed is told, not cached."""
    with pytest.raises(InstallError, match="there is no usr/sbin/asterisk"):
        write_start_script(tmp_path, "asterisk", "usr/sbin/asterisk")
