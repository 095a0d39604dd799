"""The references of settings, states, routes and metrics say what the code says."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from ivr.loading.loader import PromptFile
from routing.domain.agent_state import diagram
from server.asterisk.configuration import FEATURE_CODES
from server.cli.main import COMMANDS
from server.http.routes import ROUTES
from server.settings import access, agent_files, files, queue_files
from server.settings.trunks import Trunk
from sources.schema import Settings, build
from sources.source import parse_source

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def settings_models() -> list[type[BaseModel]]:
    modules = (access, files, queue_files, agent_files)
    classes = [found for module in modules for found in vars(module).values() if isinstance(found, type)]
    return [found for found in classes if issubclass(found, Settings) and found is not Settings]


def words(model: type[BaseModel]) -> list[str]:
    """The settings as YAML names them."""
    return [field.alias or name for name, field in model.model_fields.items()]


def named(field: str, text: str) -> bool:
    """`field`, `group.field` or, for a whole file or group, `field:`."""
    return bool(re.search(rf"`(?:\w+\.)*{field}(?:\.\w+)*:?`", text))


@pytest.mark.parametrize("model", settings_models(), ids=lambda model: model.__name__)
def test_every_setting_is_in_the_reference(model: type[BaseModel]) -> None:
    text = text_of("docs/config.md")

    assert [name for name in words(model) if not named(name, text)] == []


SECTIONS: dict[str, type[Settings]] = {
    "hotline.yaml": files.HotlineFile,
    "queues.yaml": queue_files.QueueFile,
    "agents.yaml": agent_files.AgentFile,
}
NOTHING = ("none", "empty", "")
ELSEWHERE = ("the key", "the queue's", "the name or phone, where that is digits")  # said by another setting


def told_defaults() -> list[tuple[str, str, str]]:
    """(file, setting with its groups, default) of every row of docs/config.md that tells a default."""
    rows = []
    for file in SECTIONS:
        section, group = text_of("docs/config.md").partition(f"## {file}:")[2].partition("\n## ")[0], ""
        for line in section.splitlines():
            group = f"{line[1:-2]}." if re.fullmatch(r"`\w+:`", line) else group
            cells = [cell.strip() for cell in line.split(" | ", 2)]
            settings, defaults = (re.findall(r"`([^`]+)`", cell) for cell in cells[:2]) if len(cells) == 3 else ([], [])
            if line.startswith("| `") and len(cells) == 3:
                plain = cells[1] in (*NOTHING, *ELSEWHERE, "must be there")
                told = [cells[1]] * len(settings) if plain else defaults
                rows += [(file, group + setting, default) for setting, default in zip(settings, told, strict=True)]
    return rows


@pytest.mark.parametrize(("file", "setting", "told"), told_defaults())
def test_every_default_in_the_reference_is_the_one_in_force(file: str, setting: str, told: str) -> None:
    """Without the setting all is as with the default that the reference tells."""
    model, groups = SECTIONS[file], setting.split(".")
    needed = {name: "x" for name, field in model.model_fields.items() if field.is_required()}
    if told == "must be there":
        assert needed == {setting: "x"}
        return
    plain = model.model_validate(needed).model_dump(by_alias=True)
    if told in (*NOTHING, *ELSEWHERE):
        found = plain
        for word in groups:
            found = found[word]
        assert not found or isinstance(found, dict)
        return
    written = parse_source("\n".join(" " * depth + f"{word}:" for depth, word in enumerate(groups)) + f" {told}\n", file)
    assert build(model, written, data={**needed, **written.data}).model_dump(by_alias=True) == plain


def test_the_reference_tells_many_defaults() -> None:
    """The reader of its tables above reads them."""
    assert len([row for row in told_defaults() if row[2] not in (*NOTHING, *ELSEWHERE)]) > 45


def test_every_setting_of_a_trunk_is_in_both_references() -> None:
    for name in ("docs/config.md", "docs/trunks.md"):
        assert [field for field in Trunk.model_fields if f"`{field}`" not in text_of(name)] == [], name


def test_the_states_of_an_agent_are_drawn_from_the_table() -> None:
    drawn = re.search(r"```mermaid\n(.*?)\n```", text_of("docs/agents.md"), re.S)

    assert drawn is not None
    assert drawn[1] == diagram()


def test_every_feature_code_is_explained_to_agents() -> None:
    text = text_of("docs/agents.md")

    assert [code for code in FEATURE_CODES if f"`{re.sub('X+', '1', code.strip('_'))}`" not in text] == []


def test_every_route_is_documented_with_its_role() -> None:
    text = text_of("docs/http.md")
    rows = [f"| `{route.method} {route.path}` | {route.role.title}" for route in ROUTES]

    assert [row for row in rows if row not in text] == []


def test_every_metric_is_documented() -> None:
    text = text_of("docs/metrics.md")
    told = set(re.findall(r'"(hotline_\w+)"', text_of("server/metrics.py")))

    assert sorted(name for name in told if name not in text) == []


def test_every_command_of_the_documents_exists() -> None:
    """`./hotline WORD` and `./hotline WORD --option` are what the command line takes."""
    known = {*COMMANDS, "demo", "bench", "test", "help"}
    used = {word for path in DOCUMENTS for word in re.findall(r"\./hotline ([a-z][a-z-]*)", path.read_text(encoding="utf-8"))}

    assert used - known == set()


def test_the_front_door_knows_every_command_and_its_help_lists_it() -> None:
    door = text_of("hotline")
    taken = re.search(r"^ +(demo \|.+)\) ;;$", door, re.M)

    assert taken is not None
    assert {*taken[1].split(" | ")} == {*COMMANDS, "demo", "bench", "test", "--version"}
    assert [name for name in (*COMMANDS, "demo", "bench", "test") if not re.search(rf"^  {name} ", door, re.M)] == []


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            if not (path.parent / target).exists():
                broken.append(f"{path.name}: {target}")
        for target in re.findall(r"`(docs/[\w./-]+\.md)`", path.read_text(encoding="utf-8")):
            if not (ROOT / target).exists():
                broken.append(f"{path.name}: {target}")

    assert broken == []


def test_every_test_that_the_comparison_names_exists() -> None:
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", text_of("docs/comparison.md"))

    assert len(named) > 40
    assert [(path, name) for path, name in named if not re.search(rf"^(async )?def {name}\(", text_of(f"tests/{path}"), re.M)] == []


EXAMPLES: dict[str, type[BaseModel]] = {
    "hotline.yaml": files.HotlineFile,
    "numbers.yaml": files.NumbersFile,
    "queues.yaml": queue_files.QueuesFile,
    "agents.yaml": agent_files.AgentsFile,
    "hours.yaml": files.AllHoursFile,
    "callers.yaml": files.CallersFile,
    "teams.yaml": files.TeamsFile,
    "prompts.yaml": PromptFile,
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_of_a_file_can_be_read(name: str) -> None:
    section = text_of("docs/config.md").partition(f"## {name}:")[2].partition("\n## ")[0]
    examples = re.findall(r"```yaml\n(.*?)```", section, re.S)

    assert examples
    for example in examples:
        assert build(EXAMPLES[name], parse_source(example, name)).model_fields_set
