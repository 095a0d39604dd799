"""Texts with variables in them: `{name}`, `{balance|money}`, `{account|digits}`; and prompts, which are such texts per language or a name.

`{{` is a plain brace. How a value is spoken is `ivr.speech`'s business; what cannot be spoken as asked is spoken as text,
never an error to a caller.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from ivr import speech

Kind = Literal["number", "digits", "money", "date", "time", "text"]
KINDS: tuple[str, ...] = get_args(Kind)
_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_SLOT = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?:\|\s*([a-z]+)\s*(?:\s([A-Z]{3}))?\s*)?")
MAX_TEXT = 4000


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a variable's value; `currency` only with money: `{amount|money USD}`."""

    name: str
    kind: Kind = "text"
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """Text with places for variables."""

    text: str
    parts: tuple[str | Slot, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(part.name for part in self.parts if isinstance(part, Slot))

    def fill(self, variables: Mapping[str, str], escape: Callable[[str], str] = str) -> str:
        """The text with plain values, each passed through `escape`."""
        return "".join(part if isinstance(part, str) else escape(variables.get(part.name, "")) for part in self.parts)

    def spoken(self, variables: Mapping[str, str], language: str, currency: str = "CNY") -> str:
        """The text to say: values as their kind is read aloud in that language."""
        return "".join(
            part if isinstance(part, str) else spoken(part.kind, variables.get(part.name, ""), language, part.currency or currency)
            for part in self.parts
        )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(parse_template)


def parse_template(text: Any) -> Template:
    """Read a text. Raises ValueError with a sentence."""
    if not isinstance(text, str):
        raise ValueError("expected text, found a list or settings")
    if len(text) > MAX_TEXT:
        raise ValueError(f"the text is longer than {MAX_TEXT} characters")
    parts: list[str | Slot] = []
    end = 0
    for match in _PIECE.finditer(text):
        parts.append(text[end : match.start()])
        end = match.end()
        if match[0] in ("{{", "}}"):
            parts.append(match[0][0])
        elif match[1] is None:
            raise ValueError(f"a brace stands alone in '{text[:60]}': write {{{{ or }}}} for a plain one")
        else:
            parts.append(_slot(match[1]))
    parts.append(text[end:])
    return Template(text, tuple(part for part in parts if part != ""))


def _slot(written: str) -> Slot:
    match = _SLOT.fullmatch(written)
    if match is None:
        raise ValueError(f"expected a variable such as {{name}} or {{balance|money}}, found '{{{written[:60]}}}'")
    kind = match[2] or "text"
    if kind not in KINDS:
        raise ValueError(f"'{{{written}}}': unknown way to say a value '{kind}', possible: {', '.join(KINDS)}")
    return Slot(match[1], cast(Kind, kind), match[3] or "")


def spoken(kind: Kind, value: str, language: str, currency: str = "CNY") -> str:
    """A value as it is read aloud; what cannot be said as `kind` is said as it stands."""
    try:
        return speech.say(kind, value, language, currency=currency)
    except speech.CannotSay:
        return value


@dataclass(frozen=True, slots=True)
class Prompt:
    """Something to say: the prompt called `name`, or `texts` (language -> text; "" serves every language).

    `spoken_in` is set where the language is fixed, whatever the caller's is: "for English, press 2".
    """

    name: str = ""
    texts: tuple[tuple[str, Template], ...] = ()
    spoken_in: str = ""

    def text(self, language: str) -> Template | None:
        texts = dict(self.texts)
        return texts.get(language) or texts.get("")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(parse_use)


_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


def parse_use(value: Any) -> Prompt:
    """A prompt as a node writes it: a name, or text per language. Raises ValueError with a sentence."""
    if isinstance(value, Prompt):
        return value
    if isinstance(value, str):
        if not _NAME.fullmatch(value):
            raise ValueError(f"expected the name of a prompt, found '{value[:60]}': write text per language, such as {{en: ...}}")
        return Prompt(name=value)
    return parse_prompt(value)


def parse_prompt(value: Any, name: str = "") -> Prompt:
    """A prompt as `prompts:` defines it: text per language, one text for all, or {say: text, language: en}. Raises ValueError."""
    if isinstance(value, str):
        return Prompt(name, (("", parse_template(value)),))
    if isinstance(value, Mapping) and set(value) == {"say", "language"}:
        return Prompt(name, (("", parse_template(value["say"])),), str(value["language"]))
    if isinstance(value, Mapping) and value:
        return Prompt(name, tuple((str(language), parse_template(text)) for language, text in value.items()))
    raise ValueError("expected text per language such as {zh: ..., en: ...}")


def parse_prompts(value: Any) -> tuple[Prompt, ...]:
    """One prompt or a list of them. Raises ValueError with a sentence."""
    return tuple(parse_use(item) for item in (value if isinstance(value, list | tuple) else [value]))
