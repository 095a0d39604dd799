"""What is said to callers outside flows and queues: a few sentences, in each language, rendered before the first caller hears them."""

from ivr.ports import Speech
from ivr.speech import queue_phrase
from server.settings import Site

Words = dict[str, str]  # language -> text

NOBODY_THERE: Words = {
    "zh": "非常抱歉，无法接通，请您稍候，我们继续为您服务。",
    "en": "We are sorry, nobody could be reached there. Please hold on, we are with you again.",
}
OVERTIME: Words = {
    "zh": "非常抱歉，通话已达到最长时间，即将结束。感谢您的来电，再见。",
    "en": "We are sorry, this call has reached its longest length and ends now. Thank you for calling. Goodbye.",
}


def spoken_to_callers(site: Site) -> list[Speech]:
    """What callers hear of no flow's, to be rendered beforehand."""
    fixed = [speech_of(words, language) for words in (NOBODY_THERE, OVERTIME) for language in site.main.languages]
    return fixed + [Speech(language, queue_phrase("comfort", language)) for language in site.main.languages]


def speech_of(words: Words, language: str) -> Speech:
    """In that language, else in English."""
    return Speech(language, words[language]) if language in words else Speech("en", words["en"])
