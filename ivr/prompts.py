"""What every flow can say without defining it: prompts of these names in Chinese and English. A site's or flow's own win."""

from collections.abc import Mapping

from ivr.flow.texts import Prompt, parse_prompt

_TEXTS: dict[str, dict[str, str]] = {
    "no_input": {"zh": "没有听到您的按键。", "en": "I did not hear a key."},
    "no_match": {"zh": "您的输入有误。", "en": "That is not a valid entry."},
    "confirm": {
        "zh": "您输入的是 {entered|digits}。正确请按 1，重新输入请按 2。",
        "en": "You entered {entered|digits}. If this is right, press 1. To enter it again, press 2.",
    },
    "apology": {
        "zh": "非常抱歉，系统出现问题，请稍后再拨。再见。",
        "en": "We are sorry, something went wrong. Please call again later. Goodbye.",
    },
}

BUILT_IN: Mapping[str, Prompt] = {name: parse_prompt(texts, name) for name, texts in _TEXTS.items()}
PROMPT_VARIABLES: Mapping[str, frozenset[str]] = {"confirm": frozenset({"entered"})}
