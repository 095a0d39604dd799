"""From a folder of YAML files to flows ready to walk, or every problem of every file. Publishes nothing."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from ivr.flow.model import RESERVED, Flow, Flows, Node, Target
from ivr.flow.nodes import NODE_TYPES
from ivr.flow.texts import Prompt, parse_prompt
from ivr.loading.checks import check, twice, written_in
from ivr.loading.doubts import doubts
from ivr.loading.draft import Draft, SiteFacts
from ivr.loading.graph import circles
from ivr.prompts import BUILT_IN
from sources.problems import Position, Problem, ProblemsFound, suggest
from sources.schema import Key, Settings, build, find, mistakes
from sources.source import BrokenSource, Source, read_source

Warn = Callable[[Problem], None]
Spoken = Annotated[Prompt, BeforeValidator(parse_prompt)]


class FlowFile(Settings):
    """One file as it is written; nodes are read by their type."""

    flow: str
    languages: list[str] = Field(default=[])
    start: Target
    on_error: Target | None = None
    keys: dict[Key, Target] = Field(default={})
    variables: dict[str, str] = Field(default={})
    prompts: dict[str, Spoken] = Field(default={})
    nodes: dict[str, dict[str, Any]]


class PromptFile(Settings):
    """`config/prompts.yaml`: prompts that every flow can use."""

    prompts: dict[str, Spoken] = Field(default={})


def load_prompts(path: Path, name: str = "") -> dict[str, Prompt]:
    """The site's shared prompts. Raises ProblemsFound."""
    try:
        source = read_source(path, name)
    except BrokenSource as found:
        raise ProblemsFound([*found.problems, *mistakes(PromptFile, found.rest)]) from None
    return _named(build(PromptFile, source).prompts)


def load_flows(folder: Path, facts: SiteFacts, warn: Warn = lambda problem: None) -> Flows:
    """Every flow of the folder's YAML files (not of its subfolders). Raises ProblemsFound with all problems of all files.

    Where there are warnings only, each is handed to `warn`.
    """
    files = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]) if folder.is_dir() else []
    if not files:
        raise ProblemsFound([Problem(Position(str(folder)), "there is no flow in this folder", "put a file such as main.yaml there")])
    return load_files(files, facts, warn)


def load_files(files: Collection[Path], facts: SiteFacts, warn: Warn = lambda problem: None) -> Flows:
    """The same for files by name."""
    problems: list[Problem] = []
    drafts: list[Draft] = []
    for path in files:
        try:
            source = read_source(path)
        except BrokenSource as found:
            problems.extend(found.problems)
            if found.rest is None:
                continue
            source = found.rest
        nodes = _nodes(source, problems)
        try:
            file = build(FlowFile, source)
            if source.complete:
                drafts.append(_draft(source, file, nodes, facts))
        except ProblemsFound as found:
            problems.extend(found.problems)
    problems.extend(twice(drafts))
    complete = len(drafts) == len(files)
    written = written_in(drafts) if complete and all(draft.complete for draft in drafts) else None
    for draft in drafts:
        problems.extend(check(draft, drafts, facts, complete, written))
        reported = {problem.position for problem in problems}
        problems.extend(doubt for doubt in doubts(draft, facts) if doubt.position not in reported)
    problems.extend(circles(draft for draft in drafts if draft.complete))
    if not all(problem.warning for problem in problems):
        raise ProblemsFound(problems)
    for problem in problems:
        warn(problem)
    return {draft.flow.name: draft.flow for draft in drafts}


def _nodes(source: Source, problems: list[Problem]) -> dict[str, Node]:
    """The nodes that can be read; the problems of the others are added."""
    nodes: dict[str, Node] = {}
    written = find(source, ("nodes",))
    for name, data in written.items() if isinstance(written, dict) else ():
        if not isinstance(data, dict):
            continue  # FlowFile says so
        try:
            nodes[name] = _node(source, name, data)
        except ProblemsFound as found:
            problems.extend(found.problems)
    return nodes


def _draft(source: Source, file: FlowFile, nodes: Mapping[str, Node], facts: SiteFacts) -> Draft:
    prompts = {**BUILT_IN, **facts.prompts, **_named(file.prompts)}
    flow = Flow(
        name=file.flow,
        version=_version(source, facts),
        languages=tuple(file.languages or facts.languages),
        start=file.start,
        nodes=nodes,
        prompts=prompts,
        keys=file.keys,
        variables=file.variables,
        on_error=file.on_error,
    )
    return Draft(source, flow, frozenset(file.nodes), frozenset(file.prompts), complete=len(nodes) == len(file.nodes))


def _named(prompts: Mapping[str, Prompt]) -> dict[str, Prompt]:
    return {name: replace(prompt, name=name) for name, prompt in prompts.items()}


def _node(source: Source, name: str, data: Mapping[str, Any]) -> Node:
    at = ("nodes", name)
    if name in RESERVED:
        raise ProblemsFound([Problem(source.where_key(at), f"a node cannot be called '{name}': the word has a meaning of its own")])
    try:
        Target.parse(name)
    except ValueError:
        raise ProblemsFound([Problem(source.where_key(at), f"'{name}' is no name for a node", "use letters, digits, - and _")]) from None
    if not data.get("type") and not source.complete:
        raise ProblemsFound([])
    if "type" not in data:
        raise ProblemsFound([Problem(source.where_key(at), "missing setting 'type'", f"possible: {', '.join(NODE_TYPES)}")])
    kind = data["type"]
    found = NODE_TYPES.get(kind) if isinstance(kind, str) else None
    if found is None:
        hint = suggest(str(kind), NODE_TYPES) or f"possible: {', '.join(NODE_TYPES)}"
        raise ProblemsFound([Problem(source.where((*at, "type")), f"unknown node type '{kind}'", hint)])
    return build(found, source, at, {key: value for key, value in data.items() if key != "type"})


def _version(source: Source, facts: SiteFacts) -> str:
    """A short hash of all that decides how the flow behaves: the file's content and the shared prompts."""
    shared = {
        name: [prompt.spoken_in, *((language, text.text) for language, text in prompt.texts)] for name, prompt in facts.prompts.items()
    }
    content = json.dumps([source.data, shared], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()[:8]
