"""Files in `config/` and `dialplans/` that look as if they were meant and that nothing reads.

A file is named when its name is nearly one that is read, or when it is a flow. What people keep beside their files stays silent: README
files and other texts, hidden files, what editors and packages leave, and copies with a word more in their names.
"""

import difflib
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from sources.problems import Position, Problem

READ = ("hotline", "numbers", "queues", "agents", "hours", "callers", "teams", "prompts", "trunks", "access")  # each .yaml
_PUT_ASIDE = "md|rst|bak|orig|rej|save|old|tmp|swp|example|sample|dist|disabled|off|rpm\\w+|dpkg-\\w+|\\d+"
_KEPT = re.compile(rf"readme.*|.*~|#.*#|.*\.({_PUT_ASIDE})", re.IGNORECASE)
_YAML = {"yaml", "yml", "ymal", "yalm", "yam", "ym"}
_HIDDEN_ENDING = {"yaml.txt", "yml.txt"}  # an editor that hides endings added one
_OTHER = {"", "txt", "text", "json", "conf", "cfg", "ini", "toml", *_HIDDEN_ENDING}
_FLOW = re.compile(rb"^flow:.*^nodes:", re.M | re.S)
_LOOK = 200_000  # bytes
_NEAR = 0.8


def stray_problems(config: Path, dialplans: Path, named: Collection[str]) -> Iterator[Problem]:
    """Warnings, each with its path and what to do. `named` are the files beside hotline.yaml that settings name: these are read."""
    read = {*named, *(f"{name}.yaml" for name in READ)}
    for path in _files(config):
        if path.name not in read:
            yield from _in_config(path, dialplans)
    for path in _files(dialplans):
        if path.suffix not in (".yaml", ".yml") and _is_flow(path):
            yield _stray(path, "is a flow that is not read", f"call it {path.name.partition('.')[0]}.yaml")
    if not (config / "prompts").exists():
        yield from _in_folders(config)


def _in_config(path: Path, dialplans: Path) -> Iterator[Problem]:
    meant = _meant(path)
    if meant and path.with_name(meant).exists():
        yield _stray(path, f"is not read: {meant} is", "put together what belongs there")
    elif meant:
        yield _stray(path, "is not read", f"did you mean {meant}?")
    elif _is_flow(path):
        yield _stray(path, "is a flow that is not read", f"move it to {dialplans}")


def _in_folders(config: Path) -> Iterator[Problem]:
    for path in sorted(config.iterdir()) if config.is_dir() else ():
        if _nearest(path.name, ("prompts",)) and any(path.glob("*/*.wav")):
            yield _stray(path, "is not read", "did you mean the folder prompts?")


def _meant(path: Path) -> str:
    """The file of config/ that this one was meant to be; "" when none is near."""
    word, _, ending = (part.lower() for part in path.name.partition("."))
    if word in READ and (ending in _YAML or ending in _OTHER):
        meant = f"{word}.yaml"
        return meant if ending in _YAML or not path.with_name(meant).exists() else ""
    if ending not in _YAML | _HIDDEN_ENDING or any(re.match(rf"{known}[\W_0-9]", word) for known in READ):
        return ""
    near = _nearest(word, READ)
    return f"{near}.yaml" if near else ""


def _nearest(name: str, known: Collection[str]) -> str:
    return next(iter(difflib.get_close_matches(name.lower(), known, n=1, cutoff=_NEAR)), "")


def _files(folder: Path) -> list[Path]:
    """What lies in a folder and was not plainly put aside."""
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in entries if path.is_file() and not path.name.startswith(".") and not _KEPT.fullmatch(path.name)]


def _is_flow(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return bool(_FLOW.search(file.read(_LOOK)))
    except OSError:
        return False


def _stray(path: Path, message: str, hint: str) -> Problem:
    return Problem(Position(str(path)), message, hint, warning=True)
