"""One reading of the folder `config/`: its files, and the problems that pile up until everything was looked at."""

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from server.settings.renamed import take_new_names
from sources.problems import Position, Problem, ProblemsFound
from sources.schema import build, find, mistakes
from sources.source import BrokenSource, Source, Where, read_source

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
ENTRIES = {"numbers.yaml": "number", "queues.yaml": "queue", "agents.yaml": "agent", "teams.yaml": "team"}
REQUIRED = {"hotline.yaml", "numbers.yaml", "queues.yaml", "agents.yaml"}


class Anything(Collection[str]):
    """The names of a file that could not be read: whatever others refer to may be there, so they are not blamed."""

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class Reading:
    """`problems` has every mistake so far, `sources` every file that could be read, by its name."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.problems: list[Problem] = []
        self.sources: dict[str, Source] = {}

    def file(self, name: str, model: type[M]) -> M:
        """A file's settings; what its model says by itself when it is wrong (reported) or absent (allowed, unless required)."""
        path = self.config / name
        if not path.exists():
            if name in REQUIRED:
                self.problems.append(Problem(Position(str(path)), "this file is missing", "see docs/config.md for what belongs into it"))
            return model()
        source = self._source(path, model)
        if source is None:
            return model()
        if not source.data and name in ENTRIES:
            hint = f"write {name.removesuffix('.yaml')}: {{}} if there is to be none"
            self.problems.append(Problem(Position(str(path)), f"there is no {ENTRIES[name]} in this file", hint))
            return model()
        self.sources[name] = source
        self.problems.extend(take_new_names(name, source))
        return self.collect(lambda: build(model, source)) or self._sound_part(model, source)

    def _source(self, path: Path, model: type[BaseModel]) -> Source | None:
        """The file as it is meant; None when parts of it are unknown: of these nobody judges more than the values that can be read."""
        try:
            return read_source(path)
        except BrokenSource as found:
            self.problems.extend(found.problems)
            if found.rest is not None and found.rest.complete:
                return found.rest
            self.problems.extend(mistakes(model, found.rest))
            return None

    def _sound_part(self, model: type[M], source: Source) -> M:
        """The settings of a file with mistakes that have none, so that nothing else is judged by the defaults."""
        sound: dict[str, Any] = {}
        for setting, value in source.data.items() if isinstance(source.data, dict) else ():
            with suppress(ProblemsFound):
                build(model, source, data={setting: value})
                sound[setting] = value
        try:
            return build(model, source, data=sound)
        except ProblemsFound:
            return model()

    def collect(self, attempt: Callable[[], T]) -> T | None:
        """The result; None when there were problems, which are kept."""
        try:
            return attempt()
        except ProblemsFound as found:
            self.problems.extend(found.problems)
            return None

    def faulty(self, name: str) -> bool:
        """Whether something is wrong with that file."""
        return any(problem.position.file == str(self.config / name) and not problem.warning for problem in self.problems)

    def names(self, name: str, setting: str) -> Collection[str]:
        """What a file defines, its faulty parts included."""
        if name not in self.sources and self.faulty(name):
            return Anything()
        found: Any = find(self.sources[name], (setting,)) if name in self.sources else {}
        return frozenset(found) if isinstance(found, dict) else Anything()

    def say(self, file: str, where: Where, message: str, hint: str = "", *, at_key: bool = False, warning: bool = False) -> None:
        """A problem at a value, or at its key."""
        source = self.sources[file]
        position = source.where_key(where) if at_key else source.where(where)
        self.problems.append(source.named(Problem(position, message, hint, warning)))
