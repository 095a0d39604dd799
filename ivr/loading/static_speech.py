"""What a set of flows can say that needs no variable: so that it can be rendered before the first caller hears it."""

from collections.abc import Iterable, Iterator

from ivr.flow.model import Flow, Flows, walk
from ivr.flow.texts import Prompt
from ivr.ports import Speech


def static_speech(flows: Flows) -> list[Speech]:
    """Every prompt of every flow in every language of it, in the order of the nodes; those with variables are left out."""
    return list(dict.fromkeys(speech for flow in flows.values() for prompt in _prompts(flow) for speech in _spoken(prompt, flow.languages)))


def _prompts(flow: Flow) -> Iterator[Prompt]:
    for node in flow.nodes.values():
        for _, value in walk(node):
            if isinstance(value, Prompt):
                yield value if value.texts else flow.prompts.get(value.name, value)
    yield from flow.prompts.values()


def _spoken(prompt: Prompt, languages: Iterable[str]) -> Iterator[Speech]:
    for language in languages:
        text = prompt.text(language)
        if text is not None and not text.names and text.text.strip():
            yield Speech(prompt.spoken_in or language, text.text.strip(), prompt.name)
