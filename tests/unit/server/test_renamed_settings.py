"""Settings by the names that they had in 0.1."""

from pathlib import Path

from tests.settings_house import SmallSite

AGENTS = """\
agents:
  wang: {name: 王芳, phone: "1001", skills: {billing: 4}, queues: [billing, sales]}
  home:
    name: Home
    number: "+861055550001"
"""
HOTLINE = 'site: test\ntransfer: {allow: ["+8610XXXXXXXX"]}\n'
TRUNKS = "trunks: {carrier: {kind: ip, host: 192.0.2.1, outbound: yes}}\n"


def site_with(folder: Path, agents: str) -> SmallSite:
    site = SmallSite(folder)
    for name, text in (("agents", agents), ("hotline", HOTLINE), ("trunks", TRUNKS)):
        site.write(f"config/{name}.yaml", text)
    return site


def test_an_earlier_name_is_read_and_warned_of_at_its_place(tmp_path: Path) -> None:
    """The site is used as with the new name."""
    site = site_with(tmp_path, AGENTS)

    assert "config/agents.yaml:5:5: warning: 'number' is called 'external_number' now - write external_number" in site.warned()
    assert str(site.load().directory.agents["home"].phone) == "+861055550001"


def test_a_mistake_under_an_earlier_name_stands_at_its_place(tmp_path: Path) -> None:
    """The value is judged where it was written."""
    site = site_with(tmp_path, AGENTS.replace("+861055550001", "01055550001"))

    assert any(said.startswith("config/agents.yaml:5:13: expected an outside number with its country") for said in site.said())


def test_of_both_names_the_earlier_one_is_unknown(tmp_path: Path) -> None:
    """Which of them is meant nobody can know."""
    site = site_with(tmp_path, AGENTS + '    external_number: "+861055550002"\n')

    assert any(said.startswith("config/agents.yaml:5:5: unknown setting 'number'") for said in site.said())


def test_the_new_name_is_not_warned_of(tmp_path: Path) -> None:
    assert not any("is called" in said for said in site_with(tmp_path, AGENTS.replace("number:", "external_number:")).warned())
