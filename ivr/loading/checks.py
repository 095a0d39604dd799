"""Rules about what a flow refers to: prompts, languages, variables, and what the site has. Each is a function that yields problems.

A rule needs no other rule to have passed. Where exits lead is `ivr.loading.graph`'s.
"""

import re
from collections.abc import Collection, Iterable, Iterator

from ivr.call import BUILT_IN_VARIABLES
from ivr.flow.expressions import Expression
from ivr.flow.model import Target, Variable, Where
from ivr.flow.nodes.hours import HoursNode
from ivr.flow.nodes.queue import Queue, unquoted
from ivr.flow.nodes.set import Assigned, Set
from ivr.flow.nodes.transfer import Transfer
from ivr.flow.texts import Prompt, Template
from ivr.loading.draft import Draft, SiteFacts
from ivr.loading.graph import check_graph, unknown_flows
from ivr.prompts import BUILT_IN, PROMPT_VARIABLES
from sources.problems import Problem, suggest


def check(draft: Draft, drafts: Collection[Draft], facts: SiteFacts, complete: bool, written: Collection[str] | None) -> Iterator[Problem]:
    """Every rule on one flow; `complete`: every file could be read, so what is missing is really missing.

    `written` are the variables that some flow sets; None: not known, since a node could not be read.
    """
    yield from names(draft)
    yield from node_settings(draft)
    yield from languages(draft, facts)
    yield from prompts(draft, facts)
    yield from sites(draft, facts)
    yield from requirements(draft, facts)
    yield from agents(draft, facts)
    yield from transfers(draft, facts)
    yield from compared(draft, facts)
    yield from check_graph(draft)
    if complete:
        yield from unknown_flows(draft, drafts)
    if written is not None:
        yield from variables(draft, written)


def twice(drafts: Iterable[Draft]) -> Iterator[Problem]:
    """Two files with the same flow."""
    first: dict[str, Draft] = {}
    for draft in drafts:
        other = first.setdefault(draft.flow.name, draft)
        if other is not draft:
            place = other.source.where(("flow",))
            yield draft.problem(("flow",), f"the flow '{draft.flow.name}' exists already, at {place}", "give one of them another name")


def names(draft: Draft) -> Iterator[Problem]:
    """Names that can be referred to."""
    try:
        Target.parse(draft.flow.name)
    except ValueError:
        yield draft.problem(("flow",), f"'{draft.flow.name}' is no name for a flow", "use letters, digits, - and _")
    for name in draft.flow.variables:
        try:
            Variable.parse(name)
        except ValueError as error:
            yield Problem(draft.source.where_key(("variables", name)), str(error))
    for where, value in draft.inside():
        if isinstance(value, Variable) and value in BUILT_IN_VARIABLES:
            yield draft.problem(where, f"'{value}' is set by the call itself", "choose another name")


def node_settings(draft: Draft) -> Iterator[Problem]:
    """What each node type says about its own settings."""
    for name, node in draft.flow.nodes.items():
        for where, message in node.problems():
            yield draft.problem(("nodes", name, *where), message)


def languages(draft: Draft, facts: SiteFacts) -> Iterator[Problem]:
    """Languages that the site speaks."""
    for index, language in enumerate(draft.flow.languages):
        if facts.languages and language not in facts.languages:
            yield draft.problem(("languages", index), f"the site has no language '{language}'", suggest(language, facts.languages))
    for name, node in draft.flow.nodes.items():
        if isinstance(node, Set) and node.language and node.language not in draft.flow.languages:
            where = ("nodes", name, "language")
            yield draft.problem(where, f"this flow has no language '{node.language}'", suggest(node.language, draft.flow.languages))


def prompts(draft: Draft, facts: SiteFacts) -> Iterator[Problem]:
    """Prompts that exist and have a text in every language of the flow."""
    flow = draft.flow
    for name in draft.own_prompts:
        yield from _lacking(draft, flow.prompts[name], ("prompts", name), f"the prompt '{name}'")
    for where, value in draft.inside():
        if not isinstance(value, Prompt) or not draft.is_written(where[:3]):
            continue
        place = draft.place(where)
        if value.texts:
            yield from _lacking(draft, value, place, "this prompt")
        elif value.name not in flow.prompts:
            if not facts.every_prompt:
                continue
            hint = suggest(value.name, flow.prompts) or "define it under 'prompts', or write text per language here"
            yield draft.problem(place, f"unknown prompt '{value.name}'", hint)
        elif value.name not in draft.own_prompts:
            yield from _lacking(draft, flow.prompts[value.name], place, f"the shared prompt '{value.name}'")
    for name in BUILT_IN.keys() - draft.own_prompts:
        yield from _lacking(draft, flow.prompts[name], ("languages",), f"the built-in prompt '{name}'")


def _lacking(draft: Draft, prompt: Prompt, where: Where, what: str) -> Iterator[Problem]:
    if prompt.spoken_in and prompt.spoken_in not in draft.flow.languages:
        position = draft.source.where((*where, "language"))
        yield Problem(position, f"this flow has no language '{prompt.spoken_in}'", suggest(prompt.spoken_in, draft.flow.languages))
    if missing := [language for language in draft.flow.languages if prompt.text(language) is None]:
        position = draft.source.where_key(where) if draft.is_written(where) else draft.source.where(where)
        yield Problem(position, f"{what} has no text in {', '.join(missing)}", "add it")


def sites(draft: Draft, facts: SiteFacts) -> Iterator[Problem]:
    """Queues and hours that the site has."""
    for name, node in draft.flow.nodes.items():
        if isinstance(node, Queue) and node.queue not in facts.queues:
            yield draft.problem(("nodes", name, "queue"), f"unknown queue '{node.queue}'", suggest(node.queue, facts.queues))
        if isinstance(node, HoursNode) and node.hours not in facts.hours:
            yield draft.problem(("nodes", name, "hours"), f"unknown hours '{node.hours}'", suggest(node.hours, facts.hours))


_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NO_WORD = re.compile(r'"[^"]*"|@[A-Za-z0-9_-]*')  # the value of an attribute, and an agent
_NO_SKILLS = {"and", "or", "not", "true", "false"}


def requirements(draft: Draft, facts: SiteFacts) -> Iterator[Problem]:
    """Requirements that can be read and name skills that somebody has."""
    for name, node in draft.flow.nodes.items():
        for inner, template in node.requirements() if isinstance(node, Queue) else ():
            if unquoted(template) - {"language"}:
                continue
            where = ("nodes", name, *inner)
            filled = dict.fromkeys(template.fill({"language": language}) for language in draft.flow.languages)
            for requirement in filled:
                if fault := facts.requirement_fault(requirement):
                    yield draft.problem(where, fault)
            skills = dict.fromkeys(word for requirement in filled for word in _WORD.findall(_NO_WORD.sub("", requirement)))
            for skill in skills if facts.skills is not None else ():
                if skill not in _NO_SKILLS and skill not in (facts.skills or ()):
                    yield draft.problem(where, f"no agent has the skill '{skill}'", suggest(skill, facts.skills or ()))


def agents(draft: Draft, facts: SiteFacts) -> Iterator[Problem]:
    """Agents that are written out and belong to the site."""
    known = facts.agents
    if known is None:
        return
    for name, node in draft.flow.nodes.items():
        for inner, agent in node.agents() if isinstance(node, Queue) else ():
            if not agent.names and agent.text not in known:
                yield draft.problem(("nodes", name, *inner), f"unknown agent '{agent.text}'", suggest(agent.text, known))


def transfers(draft: Draft, facts: SiteFacts) -> Iterator[Problem]:
    """Written-out numbers that the site allows to be dialled."""
    for name, node in draft.flow.nodes.items():
        if isinstance(node, Transfer) and not node.to.names and not facts.transfer_allowed(node.to.text):
            message = f"the site does not allow transfers to '{node.to.text}'"
            yield draft.problem(("nodes", name, "to"), message, "add a pattern under transfer.allow in config/hotline.yaml")
        elif isinstance(node, Transfer) and not node.to.names and (why := facts.transfer_costly(node.to.text)):
            message = f"'{node.to.text}' is never dialled: {why}"
            yield draft.problem(("nodes", name, "to"), message, "add it under outbound.costly in config/hotline.yaml, if it must be")


def compared(draft: Draft, facts: SiteFacts) -> Iterator[Problem]:
    """Values that `language` and `caller_list` can have."""
    known = {"language": facts.languages or None, "caller_list": facts.caller_lists}
    for where, value in draft.inside():
        expression = value.value if isinstance(value, Assigned) else value
        for name, text in sorted(expression.compared) if isinstance(expression, Expression) else ():
            choices = known.get(name)
            if choices is not None and text and text not in choices:
                what = "language" if name == "language" else "list of callers"
                hint = suggest(text, choices) or "config/callers.yaml defines them"
                yield draft.problem(where, f"the site has no {what} '{text}'", hint)


def written_in(drafts: Iterable[Draft]) -> frozenset[str]:
    """Every variable that a call has or one of these flows sets."""
    return frozenset(BUILT_IN_VARIABLES).union(*(written_variables(draft) for draft in drafts))


def variables(draft: Draft, known: Collection[str]) -> Iterator[Problem]:
    """Variables that some node of some flow sets."""
    for where, reads in _readers(draft):
        for name in sorted(name for name in reads if name not in known):
            yield draft.problem(where, f"unknown variable '{name}'", suggest(name, known) or "no node sets it")


def written_variables(draft: Draft) -> set[str]:
    """Every variable that a flow sets."""
    written = {*draft.flow.variables}
    written.update(str(value) for _, value in draft.inside() if isinstance(value, Variable))
    return written | {"agent" for node in draft.flow.nodes.values() if isinstance(node, Queue)}


def _readers(draft: Draft) -> Iterator[tuple[Where, frozenset[str]]]:
    """Every place that reads variables, with their names."""
    for name in draft.own_prompts:
        for language, text in draft.flow.prompts[name].texts:
            yield ("prompts", name, language), text.names - PROMPT_VARIABLES.get(name, frozenset())
    for where, value in draft.inside():
        if isinstance(value, Assigned):
            value = value.value
        if isinstance(value, Template | Expression):
            yield where, value.names
        elif isinstance(value, Prompt) and value.texts:
            own = PROMPT_VARIABLES["confirm"] if "confirm_prompt" in where else frozenset()
            for language, text in value.texts:
                yield (*where, language), text.names - own
