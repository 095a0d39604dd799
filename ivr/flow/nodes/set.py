"""set: write variables, choose the language."""

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field
from pydantic_core import core_schema

from ivr.flow.expressions import Expression, parse_expression
from ivr.flow.model import Node, Target, Variable, Where
from ivr.flow.talk import Talk
from ivr.flow.texts import Template, parse_template


class Assigned:
    """A variable's new value: text with variables, or `= expression`."""

    def __init__(self, value: Template | Expression) -> None:
        self.value = value

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        return core_schema.no_info_plain_validator_function(cls.parse)

    @classmethod
    def parse(cls, value: Any) -> "Assigned":
        if isinstance(value, str) and value.startswith("="):
            return cls(parse_expression(value[1:]))
        return cls(parse_template(value))


class Set(Node):
    """Values are taken one after another, each seeing those before it."""

    type: ClassVar[str] = "set"

    values: dict[Variable, Assigned] = Field(default={})
    language: str | None = None
    next: Target

    async def run(self, talk: Talk) -> str:
        for name, assigned in self.values.items():
            value = assigned.value
            text = talk.fill(value) if isinstance(value, Template) else value.result(talk.call.known())
            talk.set(name, text, sensitive=talk.is_sensitive(value.names))
        if self.language:
            talk.call.language = self.language
        return "next"

    def problems(self) -> Iterator[tuple[Where, str]]:
        if not self.values and not self.language:
            yield (), "sets nothing: give 'values' or 'language'"
