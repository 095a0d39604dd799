"""Draws the layout of the code for docs/design.md: each folder with its sentence, and the layers that import-linter holds.

`python tests/layout.py` writes it; `tests/unit/docs/test_docs_layout.py` shows that it is written.
"""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
DESIGN = HOME / "docs/design.md"
BEGIN, END = "<!-- layout: drawn by tests/layout.py -->\n", "<!-- end of layout -->\n"
ROOTS = ("server", "simulator", "agi", "ivr", "routing", "sources")


def picture() -> str:
    """Two parts: a table of folders, and for each package with rooms its layers, the upper ones may import the lower ones."""
    rows = [f"| `{folder}/` | {_sentence(HOME / folder / '__init__.py')} |" for root in ROOTS for folder in _folders(root)]
    return "\n".join(["| folder | its sentence |", "|---|---|", *rows, "", "```", *_layers(), "```", ""])


def drawn() -> str:
    """docs/design.md with the layout as it is now."""
    text = DESIGN.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{picture()}{END}{after}"


def _folders(root: str) -> Iterator[str]:
    for path in sorted((HOME / root).rglob("__init__.py")):
        yield str(path.parent.relative_to(HOME))


def _sentence(path: Path) -> str:
    words = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")[0]
    return " ".join(words.split())


def _layers() -> Iterator[str]:
    contracts = tomllib.loads((HOME / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    for contract in contracts:
        if contract["type"] == "layers":
            yield f"{contract.get('containers', ['the whole'])[0]}"
            yield from (f"    {layer}" for layer in contract["layers"])


if __name__ == "__main__":
    DESIGN.write_text(drawn())
