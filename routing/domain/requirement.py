"""What a contact wants of an agent: a boolean expression over skills with levels, such as `billing >= 3 and (lang_zh or lang_en)`.

A bare skill means any level. `@anna` means that very agent. `site = shanghai` and `site != "North 2"` ask for an attribute. The empty
expression suits everybody. Two texts that mean the same written differently are different requirement classes only if their canonical
text differs.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import and_, or_
from types import MappingProxyType
from typing import Protocol

MAX_LENGTH = 500
MAX_DEPTH = 20
_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<agent>@[A-Za-z0-9_][A-Za-z0-9_-]*)|(?P<level>\d+)|(?P<text>\"[^\"]*\")|(?P<sign>>=|<=|!=|==|=|>|<|\(|\)))"
)
_NAMES = re.compile(r"@[A-Za-z0-9_][A-Za-z0-9_-]*(?:\s+or\s+@[A-Za-z0-9_][A-Za-z0-9_-]*)*")
_OR = re.compile(r"\s+or\s+")
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    ">=": lambda have, want: have >= want,
    "<=": lambda have, want: have <= want,
    ">": lambda have, want: have > want,
    "<": lambda have, want: have < want,
    "=": lambda have, want: have == want,
    "!=": lambda have, want: have != want,
}
NOTHING: Mapping[str, str] = MappingProxyType({})


class People(Protocol):
    """Whom a requirement chooses from, each a bit of a number; every answer has the bits of some of them."""

    @property
    def everyone(self) -> int: ...

    def named(self, agents: Iterable[str]) -> int:
        """Those with these ids."""

    def skilled(self, skill: str, suits: Callable[[int], bool]) -> int:
        """Those whose level suits; who has not the skill has level 0."""

    def valued(self, attribute: str, value: str) -> int:
        """Those whose attribute has that value; who has not the attribute has "" in it."""


@dataclass(frozen=True, slots=True)
class Person:
    """One agent as `People`: the only bit is 1."""

    skills: Mapping[str, int]
    agent: str
    attributes: Mapping[str, str]

    @property
    def everyone(self) -> int:
        return 1

    def named(self, agents: Iterable[str]) -> int:
        return int(self.agent in agents)

    def skilled(self, skill: str, suits: Callable[[int], bool]) -> int:
        return int(suits(self.skills.get(skill, 0)))

    def valued(self, attribute: str, value: str) -> int:
        return int(self.attributes.get(attribute, "") == value)


Choose = Callable[[People], int]


class BadRequirement(ValueError):
    """The expression cannot be read; the message says where and what was expected."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A read expression: `text` is canonical, `skills`, `agents` and `attributes` are those that it names.

    `alone` are the agents of one that wants nothing else than one of them: `@anna or @li`. `choose` says who of some people meets it.
    """

    text: str
    skills: frozenset[str]
    agents: frozenset[str]
    choose: Choose
    attributes: frozenset[str] = frozenset()
    alone: frozenset[str] = frozenset()

    def suits(self, skills: Mapping[str, int], agent: str, attributes: Mapping[str, str] = NOTHING) -> bool:
        """Whether an agent with these skills (name -> level, 1 to 5) and attributes may take the contact."""
        return bool(self.choose(Person(skills, agent, attributes)))


def parse(text: str) -> Requirement:
    """Read an expression; BadRequirement with a sentence when it makes no sense. One that names agents alone may be the only one of its
    kind, since flows and the router make them for one contact: it is read in a moment, and not kept."""
    return _named_alone(text) if text.startswith("@") and len(text) <= MAX_LENGTH and _NAMES.fullmatch(text) else _read(text)


@lru_cache(maxsize=10_000)
def _read(text: str) -> Requirement:
    if len(text) > MAX_LENGTH:
        raise BadRequirement(f"the requirement has {len(text)} characters; at most {MAX_LENGTH} are read")
    return _Reader(text).read()


def _named_alone(text: str) -> Requirement:
    names = frozenset(part.strip()[1:] for part in _OR.split(text))
    return Requirement(_joined("or", map("@{}".format, names)), frozenset(), names, lambda people: people.named(names), alone=names)


def _joined(word: str, parts: Iterable[str]) -> str:
    """The canonical text of alternatives or conditions."""
    texts = sorted(set(parts))
    return texts[0] if len(texts) == 1 else "(" + f" {word} ".join(texts) + ")"


def one_of(agents: Iterable[str]) -> str:
    """The expression that wants one of these agents and nothing else."""
    return " or ".join(f"@{agent}" for agent in agents)


def readable(text: str) -> bool:
    """Whether `parse` takes it."""
    try:
        parse(text)
    except BadRequirement:
        return False
    return True


class _Reader:
    """Recursive descent over the tokens: or < and < not < skill."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(self._scan())
        self.at = 0
        self.depth = 0
        self.skills: set[str] = set()
        self.agents: set[str] = set()
        self.attributes: set[str] = set()

    def _scan(self) -> list[str]:
        tokens, at, end = [], 0, len(self.text.rstrip())
        while at < end:
            found = _TOKEN.match(self.text, at)
            if not found:
                rest = self.text[at:].lstrip()
                raise BadRequirement(f"{self.text!r}: unexpected {rest[0]!r} at character {len(self.text) - len(rest) + 1}")
            tokens.append(found.group().strip())
            at = found.end()
        return tokens

    def read(self) -> Requirement:
        if not self.tokens:
            return Requirement("", frozenset(), frozenset(), lambda people: people.everyone)
        canonical, choose = self._either()
        if self.at < len(self.tokens):
            raise BadRequirement(f"{self.text!r}: expected 'and', 'or' or the end, found {self.tokens[self.at]!r}")
        agents = frozenset(self.agents)
        alone = agents if canonical.strip("()") == one_of(sorted(agents)) else frozenset[str]()
        return Requirement(canonical, frozenset(self.skills), agents, choose, frozenset(self.attributes), alone)

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self.at += 1
        return token

    def _either(self) -> tuple[str, Choose]:
        return self._chain("or", self._both, or_)

    def _both(self) -> tuple[str, Choose]:
        return self._chain("and", self._single, and_)

    def _chain(self, word: str, part: Callable[[], tuple[str, Choose]], join: Callable[[int, int], int]) -> tuple[str, Choose]:
        parts = [part()]
        while self._peek() == word:
            self._take()
            parts.append(part())
        choices = dict(parts)
        if len(choices) == 1:
            return parts[0]
        return _joined(word, choices), lambda people: reduce(join, (choose(people) for choose in choices.values()))

    def _single(self) -> tuple[str, Choose]:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise BadRequirement(f"{self.text!r}: nested more than {MAX_DEPTH} deep")
        try:
            return self._primary(self._take())
        finally:
            self.depth -= 1

    def _primary(self, token: str) -> tuple[str, Choose]:
        if token == "not":
            text, choose = self._single()
            return f"not {text}", lambda people: people.everyone & ~choose(people)
        if token == "(":
            inner = self._either()
            if self._take() != ")":
                raise BadRequirement(f"{self.text!r}: a '(' is not closed")
            return inner
        if token.startswith("@"):
            wanted = token[1:]
            self.agents.add(wanted)
            return token, lambda people: people.named((wanted,))
        if not token or not (token[0].isalpha() or token[0] == "_") or token in ("and", "or"):
            raise BadRequirement(f"{self.text!r}: expected a skill, found {token or 'the end'!r}")
        return self._skill(token)

    def _skill(self, name: str) -> tuple[str, Choose]:
        sign = self._peek().replace("==", "=")
        if sign not in _COMPARE:
            self.skills.add(name)
            return name, lambda people: people.skilled(name, bool)
        self._take()
        level = self._take()
        if sign in ("=", "!=") and level and level not in ("and", "or", "not") and (level[0] in '"_' or level[0].isalpha()):
            return self._attribute(name, sign, level)
        self.skills.add(name)
        if not level.isdigit() or not 0 <= int(level) <= 5:
            raise BadRequirement(f"{self.text!r}: expected a level from 0 to 5 after '{name} {sign}', found {level or 'the end'!r}")
        want, compare = int(level), _COMPARE[sign]
        return f"{name} {sign} {want}", lambda people: people.skilled(name, lambda level: compare(level, want))

    def _attribute(self, name: str, sign: str, text: str) -> tuple[str, Choose]:
        """`team = north`: an agent without the attribute has the value ""."""
        self.attributes.add(name)
        want = text.strip('"')
        if sign == "=":
            return f'{name} = "{want}"', lambda people: people.valued(name, want)
        return f'{name} != "{want}"', lambda people: people.everyone & ~people.valued(name, want)
