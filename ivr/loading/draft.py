"""What a flow is judged by: the flow as it was read, its file, and what the site has that flows may refer to."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ivr.flow.model import Flow, Target, Where, walk
from ivr.flow.texts import Prompt
from sources.problems import Problem
from sources.source import Source


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What flows may refer to. `skills` and `agents` None: not checked; `requirement_fault` says what is wrong with one, "" if nothing.

    `languages` empty: not known, since the file that names them could not be read.
    `transfer_costly` says why a number is too costly to be dialled, "" when it is not.
    `every_prompt` False: the file of shared prompts could not be read, so what is missing there is not missed.
    `caller_lists` None: not checked. `nobody` says what to do where no agent of a queue could ever meet a requirement, "" if one could.
    `preferred_ms` has for each queue how long preferred agents are waited for; `last_agent` are those that prefer the last agent.
    """

    queues: Collection[str] = ()
    hours: Collection[str] = ()
    languages: tuple[str, ...] = ("zh", "en")
    prompts: Mapping[str, Prompt] = field(default_factory=dict)
    every_prompt: bool = True
    skills: Collection[str] | None = None
    agents: Collection[str] | None = None
    transfer_allowed: Callable[[str], bool] = lambda number: False
    transfer_costly: Callable[[str], str] = lambda number: ""
    requirement_fault: Callable[[str], str] = lambda requirement: ""
    caller_lists: Collection[str] | None = None
    nobody: Callable[[str, str], str] = lambda queue, requirement: ""
    preferred_ms: Mapping[str, int] = field(default_factory=dict)
    last_agent: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A flow that was read but not judged. `names` are all its nodes, also those that could not be read (then it is not `complete`)."""

    source: Source
    flow: Flow
    names: frozenset[str]
    own_prompts: frozenset[str]
    complete: bool

    def inside(self) -> Iterator[tuple[Where, object]]:
        """Every value in every node with the way to it."""
        for name, node in self.flow.nodes.items():
            yield from walk(node, ("nodes", name))

    def targets(self) -> Iterator[tuple[Where, Target]]:
        """Every target that the file writes down."""
        yield ("start",), self.flow.start
        if self.flow.on_error is not None:
            yield ("on_error",), self.flow.on_error
        for key, target in self.flow.keys.items():
            yield ("keys", key), target
        for where, value in self.inside():
            if isinstance(value, Target) and self.is_written(where):
                yield where, value

    def is_written(self, where: Where) -> bool:
        """False for a default, which has no place of its own."""
        return where in self.source.values

    def place(self, where: Where) -> Where:
        """The way as the file writes it: one prompt alone stands for a list of one, so an index may not be written."""
        written: Where = ()
        for step in where:
            if (*written, step) in self.source.values:
                written = (*written, step)
        return written

    def problem(self, where: Where, message: str, hint: str = "") -> Problem:
        """A problem at the value; at the node's name where a default is meant or the node itself."""
        written = self.place(where)
        whole_node = len(written) == 2 and written[0] == "nodes"
        position = self.source.where_key(written) if whole_node else self.source.where(written)
        return self.source.named(Problem(position, message, hint))

    def warning(self, where: Where, message: str, hint: str = "") -> Problem:
        """The same for what is odd and can be used all the same."""
        return replace(self.problem(where, message, hint), warning=True)
