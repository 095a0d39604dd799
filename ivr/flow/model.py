"""A flow as it is walked: nodes by name, each with named exits that lead to targets. What a node type does is in `ivr.flow.nodes`."""

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator

from ivr.flow.talk import Talk
from ivr.flow.texts import Prompt, parse_prompts
from sources.schema import Settings

BACK, TOP, HANG_UP = "back", "top", "hangup"
RESERVED = (BACK, TOP, HANG_UP)
FLOW_PREFIX = "flow:"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
Where = tuple[str | int, ...]


class Target(str):
    """Where an exit leads: a node's name, `back`, `top`, `hangup`, or `flow:NAME`."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(cls.parse)

    @classmethod
    def parse(cls, value: Any) -> "Target":
        bare = value.removeprefix(FLOW_PREFIX) if isinstance(value, str) else ""
        if not _NAME.fullmatch(bare):
            raise ValueError(f"expected the name of a node, back, top, hangup or flow:NAME, found {_shown(value)}")
        return cls(value)


class Variable(str):
    """The name of a variable that a node writes."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(cls.parse)

    @classmethod
    def parse(cls, value: Any) -> "Variable":
        if not isinstance(value, str) or not _VARIABLE.fullmatch(value):
            raise ValueError(f"expected the name of a variable (letters, digits, _), found {_shown(value)}")
        return cls(value)


def _shown(value: Any) -> str:
    return f"'{value[:60]}'" if isinstance(value, str) and value else "nothing" if value == "" else "a list or settings"


Prompts = Annotated[tuple[Prompt, ...], BeforeValidator(parse_prompts)]


class Node(Settings):
    """One step of a flow: its settings, and what it does with a caller."""

    type: ClassVar[str]
    waits: ClassVar[bool] = False  # takes the caller's input or time: a loop through it is no runaway

    @abstractmethod
    async def run(self, talk: Talk) -> str:
        """Serve the caller and return the name of the exit taken."""

    def target(self, exit: str) -> Target:
        """Where an exit leads."""
        found = getattr(self, exit, None)
        return found if isinstance(found, Target) else Target(HANG_UP)

    def problems(self) -> Iterator[tuple[Where, str]]:
        """Mistakes that the types of the settings do not show: (way inside the node, sentence)."""
        yield from ()


@dataclass(frozen=True, slots=True)
class Flow:
    """A program for callers. `version` is a short hash of its content; a running call keeps the object it started with."""

    name: str
    version: str
    languages: tuple[str, ...]
    start: Target
    nodes: Mapping[str, Node]
    prompts: Mapping[str, Prompt] = field(default_factory=dict)
    keys: Mapping[str, Target] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    on_error: Target | None = None


Flows = Mapping[str, Flow]


def walk(value: Any, path: Where = ()) -> Iterator[tuple[Where, Any]]:
    """Every value inside a node's settings with the way to it, as the file writes it."""
    yield path, value
    if isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            yield from walk(getattr(value, name), (*path, info.alias or name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(key, Variable):
                yield (*path, key), key
            yield from walk(item, (*path, key))
    elif isinstance(value, list | tuple) and not isinstance(value, str):
        for index, item in enumerate(value):
            yield from walk(item, (*path, index))
