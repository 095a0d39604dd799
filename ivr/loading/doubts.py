"""What is odd in a flow and can be used all the same: warnings. Each rule is a function that yields them.

Where an error is reported already, its doubt is left out by whoever asks.
"""

from collections.abc import Iterator

from ivr.flow.model import Where
from ivr.flow.nodes.queue import Queue, unquoted
from ivr.flow.texts import Template
from ivr.loading.draft import Draft, SiteFacts
from sources.problems import Problem


def doubts(draft: Draft, facts: SiteFacts) -> Iterator[Problem]:
    """Every rule on one flow."""
    for name, node in draft.flow.nodes.items():
        if isinstance(node, Queue) and node.queue in facts.queues:
            yield from _nobody(draft, name, node, facts)
            yield from _preferred_of_other_queue(draft, name, node, facts)
            yield from _skipped_steps(draft, name, node, facts)


def _nobody(draft: Draft, name: str, node: Queue, facts: SiteFacts) -> Iterator[Problem]:
    """A requirement that no agent of the queue could ever meet: with all steps so, the call can never be taken."""
    asked = [(("nodes", name, *where), _unmet(draft, node, template, facts)) for where, template in node.requirements()]
    never = bool(asked) and all(unmet for _, unmet in asked)
    for where, unmet in asked:
        for requirement, hint in unmet:
            what = "nobody can ever take this call" if never else "this step asks nobody"
            yield draft.warning(where, f"{what}: no agent of the queue '{node.queue}' meets '{requirement}'", hint)


def _unmet(draft: Draft, node: Queue, template: Template, facts: SiteFacts) -> list[tuple[str, str]]:
    """(the requirement as it is asked, what to do) for each language of the flow in which nobody could meet it."""
    if template.names - {"language"} or unquoted(template) - {"language"}:
        return []  # known only when a call is there
    filled = dict.fromkeys(template.fill({"language": language}) for language in draft.flow.languages)
    readable = [requirement for requirement in filled if not facts.requirement_fault(requirement)]
    return [(requirement, hint) for requirement in readable if (hint := facts.nobody(node.queue, requirement))]


def _preferred_of_other_queue(draft: Draft, name: str, node: Queue, facts: SiteFacts) -> Iterator[Problem]:
    """A preferred agent who does not serve the queue is never asked."""
    for inner, agent in node.agents():
        text = agent.text
        if inner[0] == "exclude_agents" or agent.names or text not in (facts.agents or ()) or facts.requirement_fault(f"@{text}"):
            continue
        if facts.nobody(node.queue, f"@{text}"):
            message = f"the agent '{text}' does not serve the queue '{node.queue}' and is never preferred"
            yield draft.warning(("nodes", name, *inner), message, "add the queue to the agent in config/agents.yaml, or name another agent")


def _skipped_steps(draft: Draft, name: str, node: Queue, facts: SiteFacts) -> Iterator[Problem]:
    """A step whose time is over while preferred agents are still waited for: `after` counts from joining, too (docs/routing.md)."""
    preferred = any(inner[0] != "exclude_agents" for inner, _ in node.agents())
    if not preferred and node.queue not in facts.last_agent:
        return
    wait_ms = node.preferred_for or facts.preferred_ms.get(node.queue, 0)
    for at in range(1, len(node.steps)):
        if 0 < node.steps[at].after <= wait_ms:
            where: Where = ("nodes", name, "steps", at, "after")
            seconds = f"{wait_ms / 1000:g}s"
            message = f"with a preferred agent the step before this one is skipped: preferred_for ({seconds}) counts from joining, too"
            yield draft.warning(where, message, f"let this step come after {seconds}, or make preferred_for shorter")
