"""What can be rendered before the first call: everything without a variable, once, in the language in which it is spoken."""

from pathlib import Path

import pytest

from ivr.loading.static_speech import static_speech
from ivr.ports import Speech
from server.settings import load_site

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[3]


def test_every_fixed_prompt_of_the_shipped_flows_is_there() -> None:
    """Each prompt of each flow in each of its languages, unless it holds a variable."""
    flows = load_site(ROOT / "config", ROOT / "dialplans").flows
    made = static_speech(flows)
    assert len(made) == len(set(made)) > 20
    texts = {(speech.language, speech.text) for speech in made}
    for flow in flows.values():
        for prompt in flow.prompts.values():
            for language in flow.languages:
                template = prompt.text(language)
                assert template is not None
                assert ((language, template.text.strip()) in texts) == (not template.names), f"{prompt.name} in {language}"
    assert all("{" not in speech.text and speech.text.strip() == speech.text != "" for speech in made)


def test_a_prompt_in_a_fixed_language_is_made_in_that_one(load_flow) -> None:  # type: ignore[no-untyped-def]
    """Whatever the caller's language is, `{say, language}` is spoken by its own voice; written twice it is made once."""
    made = static_speech(load_flow)
    welcome = [speech for speech in made if speech.text == "For English press 2."]
    assert welcome == [Speech("en", "For English press 2.")]
    assert Speech("zh", "再见。", "bye", "main") in made
    assert not [speech for speech in made if "balance" in speech.text]


@pytest.fixture
def load_flow(load):  # type: ignore[no-untyped-def]
    return load(
        """\
flow: main
languages: [zh, en]
start: hello
variables: {balance: ""}
prompts:
  bye: {zh: 再见。, en: Goodbye.}
  told: {zh: "{balance}", en: "Your balance is {balance}."}
nodes:
  hello: {type: play, prompt: [{say: For English press 2., language: en}, {say: For English press 2., language: en}], next: tell}
  tell: {type: play, prompt: told, next: end}
  end: {type: hangup, prompt: bye}
"""
    )
