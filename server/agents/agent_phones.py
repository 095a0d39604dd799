"""How an agent's phone is reached: a SIP account of this site, or an external number by the outbound trunk."""

from ivr.ports import Speech
from routing.domain.phone_address import PhoneAddress, SipAccount
from routing.ports import Offer
from server.settings import Site

QUESTION = {"zh": "接听请按一。", "en": "To take this call, press one."}


def endpoint_of(site: Site, phone: PhoneAddress) -> str:
    """The endpoint for Dial; "" for a number that no trunk carries, or that nobody has allowed."""
    if isinstance(phone, SipAccount):
        return phone.name
    trunk = next((name for name, trunk in site.trunks.items() if trunk.outbound), "")
    allowed = site.may_dial(phone.number) or any(agent.phone == phone for agent in site.directory.agents.values())
    return f"{phone}@{trunk}" if trunk and allowed else ""


def whisper_of(site: Site, offer: Offer, language: str) -> list[Speech]:
    """What the agent hears on picking up: in the caller's language, else in the site's first one, else in any."""
    for known in (language, site.main.languages[0], ""):
        if offer.whisper.get(known):
            return [Speech(known or site.main.languages[0], offer.whisper[known])]
    return []


def question_in(language: str) -> Speech:
    """What is answered by pressing 1."""
    return Speech(language, QUESTION[language]) if language in QUESTION else Speech("en", QUESTION["en"])


def spoken_to_agents(site: Site) -> list[Speech]:
    """All that agents may hear on picking up, to be rendered beforehand."""
    queues, first = site.directory.queues.values(), site.main.languages[0]
    whispers = [Speech(language or first, text) for queue in queues for language, text in queue.whisper.items()]
    return [question_in(language) for language in site.main.languages] + whispers
