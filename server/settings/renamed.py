"""Settings that have another name than in 0.1. Until 0.3 the earlier name is read, too, and `./hotline check` warns of it."""

from collections.abc import Iterator, Mapping
from typing import Any

from sources.problems import Problem
from sources.source import Source, Where

EVERY = "*"  # in a way: whatever stands there
# File -> the way to a setting by its earlier name -> its name now. `docs/config.md` lists them.
RENAMED: Mapping[str, Mapping[Where, str]] = {"agents.yaml": {("agents", EVERY, "number"): "external_number"}}


def take_new_names(name: str, source: Source) -> list[Problem]:
    """Give the settings of a file their names of now, in place; a warning for each. Where both names stand the earlier one is left."""
    warnings = []
    for way, now in RENAMED.get(name, {}).items():
        *path, was = way
        for where in list(_places(source.data, tuple(path))):
            settings: Any = _at(source.data, where)
            if was not in settings or now in settings:
                continue
            before, after = (*where, was), (*where, now)
            warnings.append(Problem(source.where_key(before), f"'{was}' is called '{now}' now", f"write {now}", warning=True))
            settings[now] = settings.pop(was)
            for positions in (source.values, source.keys):
                if before in positions:
                    positions[after] = positions[before]
    return warnings


def _places(data: Any, path: Where) -> Iterator[Where]:
    """The places of mappings that a path leads to."""
    if not isinstance(data, dict):
        return
    if not path:
        yield ()
        return
    for step in data if path[0] == EVERY else [path[0]]:
        for rest in _places(data.get(step), path[1:]):
            yield (step, *rest)


def _at(data: Any, where: Where) -> Any:
    for step in where:
        data = data[step]
    return data
