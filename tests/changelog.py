"""Gathers the fragments of docs/changelog.d into a version's section of CHANGELOG.md, and removes them.

`python tests/changelog.py 0.2.0`; run again with the same version, it adds what came since. towncrier wants a kind in each fragment's
name and a section for each kind; these fragments have an issue's number and nothing else, so a few lines of our own do.
"""

import re
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
CHANGELOG, FRAGMENTS = HOME / "CHANGELOG.md", HOME / "docs/changelog.d"
LONGEST = 120  # characters of a line
VERSION = re.compile(r"\d+\.\d+\.\d+")


def fragments(folder: Path) -> dict[str, str]:
    """File name -> text, without the folder's README."""
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md") if path.name != "README.md"}


def mistakes(found: Mapping[str, str]) -> list[str]:
    """What is wrong with fragments, each a sentence with the file's name."""
    said = []
    for name, text in found.items():
        whole = items(text)
        if not re.fullmatch(r"(\d+|[a-z]+)-[a-z0-9-]+\.md", name):
            said.append(f"{name}: the name must be NUMBER-what.md, with the issue's number, or WORD-what.md")
        if not whole or not all(re.fullmatch(r"[^#*\s-].*[.)]", item) for item in whole):
            said.append(f"{name}: it must be whole sentences, or a list of them with `* `, and nothing else")
    return said


def items(text: str) -> list[str]:
    """What a fragment tells, each in one line: its items where it is a list, else its lines; one that does not end a sentence goes on."""
    listed = text.startswith("* ")
    found: list[str] = []
    for line in text.splitlines():
        if not found or (line.startswith("* ") if listed else found[-1].endswith(".")):
            found.append(line.removeprefix("* "))
        else:
            found[-1] += f" {line.strip()}"
    return found


def gathered(changelog: str, version: str, found: Mapping[str, str]) -> str:
    """The changelog with the fragments at the end of this version's section, which is made above all others if there is none."""
    added = "".join(f"{_wrapped(line)}\n" for name in sorted(found, key=_place) for line in items(found[name]))
    head = f"## {version}\n"
    if head not in changelog:
        before, mark, after = changelog.partition("\n## ")
        return f"{before.rstrip()}\n\n{head}\n{added}{mark}{after}"
    before, _, after = changelog.partition(head)
    section, mark, rest = after.partition("\n## ")
    return f"{before}{head}{section.rstrip()}\n{added}{mark}{rest}"


def _wrapped(item: str) -> str:
    """An item as lines of a list."""
    return textwrap.fill(f"* {item}", LONGEST, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _place(name: str) -> tuple[bool, int, str]:
    """By issue, then by name; those without an issue at the end."""
    number = name.partition("-")[0]
    return (not number.isdigit(), int(number) if number.isdigit() else 0, name)


def main(arguments: list[str]) -> int:
    """The command; a mistake in a fragment is told, and nothing is written."""
    if len(arguments) != 1 or not VERSION.fullmatch(arguments[0]):
        print("usage: python tests/changelog.py VERSION (three numbers, for instance 0.2.0)", file=sys.stderr)
        return 2
    found = fragments(FRAGMENTS)
    if wrong := mistakes(found):
        print("\n".join(wrong), file=sys.stderr)
        return 1
    CHANGELOG.write_text(gathered(CHANGELOG.read_text(encoding="utf-8"), arguments[0], found), encoding="utf-8")
    for name in found:
        (FRAGMENTS / name).unlink()
    print(f"{len(found)} fragments are in {CHANGELOG.name} under {arguments[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
