"""What a contact wants of an agent: a boolean expression over skills with levels, such as `billing >= 3 and (lang_zh or lang_en)`.

A bare skill means any level. `@anna` means that very agent. `site = shanghai` and `site != "North 2"` ask for an attribute. The empty
expression suits everybody. Two texts that mean the same written differently are different requirement classes only if their canonical
text differs.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

MAX_LENGTH = 500
MAX_DEPTH = 20
_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<agent>@[A-Za-z0-9_][A-Za-z0-9_-]*)|(?P<level>\d+)|(?P<text>\"[^\"]*\")|(?P<sign>>=|<=|!=|==|=|>|<|\(|\)))"
)
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    ">=": lambda have, want: have >= want,
    "<=": lambda have, want: have <= want,
    ">": lambda have, want: have > want,
    "<": lambda have, want: have < want,
    "=": lambda have, want: have == want,
    "!=": lambda have, want: have != want,
}
NOTHING: Mapping[str, str] = MappingProxyType({})


class Asked(NamedTuple):
    """Whom a requirement is tested on."""

    skills: Mapping[str, int]
    agent: str
    attributes: Mapping[str, str]


Test = Callable[[Asked], bool]


class BadRequirement(ValueError):
    """The expression cannot be read; the message says where and what was expected."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A read expression: `text` is canonical, `skills`, `agents` and `attributes` are those that it names.

    `alone` are the agents of one that wants nothing else than one of them: `@anna or @li`.
    """

    text: str
    skills: frozenset[str]
    agents: frozenset[str]
    test: Test
    attributes: frozenset[str] = frozenset()
    alone: frozenset[str] = frozenset()

    def suits(self, skills: Mapping[str, int], agent: str, attributes: Mapping[str, str] = NOTHING) -> bool:
        """Whether an agent with these skills (name -> level, 1 to 5) and attributes may take the contact."""
        return self.test(Asked(skills, agent, attributes))


@lru_cache(maxsize=10_000)
def parse(text: str) -> Requirement:
    """Read an expression; BadRequirement with a sentence when it makes no sense."""
    if len(text) > MAX_LENGTH:
        raise BadRequirement(f"the requirement has {len(text)} characters; at most {MAX_LENGTH} are read")
    return _Reader(text).read()


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
            return Requirement("", frozenset(), frozenset(), lambda asked: True)
        canonical, test = self._either()
        if self.at < len(self.tokens):
            raise BadRequirement(f"{self.text!r}: expected 'and', 'or' or the end, found {self.tokens[self.at]!r}")
        agents = frozenset(self.agents)
        alone = agents if canonical.strip("()") == one_of(sorted(agents)) else frozenset[str]()
        return Requirement(canonical, frozenset(self.skills), agents, test, frozenset(self.attributes), alone)

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self.at += 1
        return token

    def _either(self) -> tuple[str, Test]:
        return self._chain("or", self._both, any)

    def _both(self) -> tuple[str, Test]:
        return self._chain("and", self._single, all)

    def _chain(self, word: str, part: Callable[[], tuple[str, Test]], join: Callable[..., bool]) -> tuple[str, Test]:
        parts = [part()]
        while self._peek() == word:
            self._take()
            parts.append(part())
        texts = sorted({text for text, _ in parts})
        if len(texts) == 1:
            return parts[0]
        tests = [test for _, test in parts]
        return "(" + f" {word} ".join(texts) + ")", lambda asked: join(test(asked) for test in tests)

    def _single(self) -> tuple[str, Test]:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise BadRequirement(f"{self.text!r}: nested more than {MAX_DEPTH} deep")
        try:
            return self._primary(self._take())
        finally:
            self.depth -= 1

    def _primary(self, token: str) -> tuple[str, Test]:
        if token == "not":
            text, test = self._single()
            return f"not {text}", lambda asked: not test(asked)
        if token == "(":
            inner = self._either()
            if self._take() != ")":
                raise BadRequirement(f"{self.text!r}: a '(' is not closed")
            return inner
        if token.startswith("@"):
            wanted = token[1:]
            self.agents.add(wanted)
            return token, lambda asked: asked.agent == wanted
        if not token or not (token[0].isalpha() or token[0] == "_") or token in ("and", "or"):
            raise BadRequirement(f"{self.text!r}: expected a skill, found {token or 'the end'!r}")
        return self._skill(token)

    def _skill(self, name: str) -> tuple[str, Test]:
        sign = self._peek().replace("==", "=")
        if sign not in _COMPARE:
            self.skills.add(name)
            return name, lambda asked: asked.skills.get(name, 0) > 0
        self._take()
        level = self._take()
        if sign in ("=", "!=") and level and level not in ("and", "or", "not") and (level[0] in '"_' or level[0].isalpha()):
            return self._attribute(name, sign, level)
        self.skills.add(name)
        if not level.isdigit() or not 0 <= int(level) <= 5:
            raise BadRequirement(f"{self.text!r}: expected a level from 0 to 5 after '{name} {sign}', found {level or 'the end'!r}")
        want, compare = int(level), _COMPARE[sign]
        return f"{name} {sign} {want}", lambda asked: compare(asked.skills.get(name, 0), want)

    def _attribute(self, name: str, sign: str, text: str) -> tuple[str, Test]:
        """`team = north`: an agent without the attribute has the value ""."""
        self.attributes.add(name)
        want = text.strip('"')
        if sign == "=":
            return f'{name} = "{want}"', lambda asked: asked.attributes.get(name, "") == want
        return f'{name} != "{want}"', lambda asked: asked.attributes.get(name, "") != want
