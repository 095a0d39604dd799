"""What a set of flows can say that needs no variable: so that it can be rendered before the first caller hears it, or recorded."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ivr.flow.model import Flow, Flows, walk
from ivr.flow.texts import Prompt
from ivr.ports import Speech
from ivr.prompts import BUILT_IN


@dataclass(frozen=True, slots=True)
class SpokenPrompt:
    """A prompt as a flow says it in a language; `fixed`: without variables. `used`: some node says it, or the flow by itself."""

    flow: str
    name: str
    language: str
    text: str
    fixed: bool
    used: bool


def static_speech(flows: Flows) -> list[Speech]:
    """Every prompt of every flow in every language of it, in the order of the nodes; those with variables are left out."""
    spoken = (spoken for flow in flows.values() for spoken in _spoken(flow, _prompts(flow)))
    return list(dict.fromkeys(Speech(s.language, s.text, s.name, s.flow if s.name else "") for s in spoken if s.fixed and s.text))


def spoken_prompts(flows: Flows) -> list[SpokenPrompt]:
    """Every prompt with a name, also shared and built-in ones, of every flow in every language of it."""
    return [spoken for flow in flows.values() for spoken in _spoken(flow, flow.prompts.values())]


def _prompts(flow: Flow) -> Iterator[Prompt]:
    for prompt in _written(flow):
        yield prompt if prompt.texts else flow.prompts.get(prompt.name, prompt)
    yield from flow.prompts.values()


def _written(flow: Flow) -> Iterator[Prompt]:
    """What nodes say, as they write it."""
    for node in flow.nodes.values():
        yield from (value for _, value in walk(node) if isinstance(value, Prompt))


def _spoken(flow: Flow, prompts: Iterable[Prompt]) -> Iterator[SpokenPrompt]:
    used = {prompt.name for prompt in _written(flow)} | set(BUILT_IN)
    for prompt in prompts:
        for language in flow.languages:
            text = prompt.text(language)
            if text is not None:
                spoken_in = prompt.spoken_in or language
                yield SpokenPrompt(flow.name, prompt.name, spoken_in, text.text.strip(), not text.names, prompt.name in used)
