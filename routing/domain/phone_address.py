"""Where an agent's phone is reached: two types, and the texts that stand for them in settings, JSON and events."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SipAccount:
    """A phone of the site, by the name of its account in Asterisk: its state is known, and each Asterisk sees its own."""

    name: str

    def __post_init__(self) -> None:
        if not self.name or self.name.startswith("+"):
            raise ValueError(f"{self.name!r} is no name of a SIP account")

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ExternalNumber:
    """An external telephone number, with `+` and the country: any Asterisk can ring it, nobody knows its state, a voicemail may answer."""

    number: str

    def __post_init__(self) -> None:
        if not self.number.startswith("+"):
            raise ValueError(f"{self.number!r} is no telephone number with its country")

    def __str__(self) -> str:
        return self.number


PhoneAddress = SipAccount | ExternalNumber


def phone_of(text: str) -> PhoneAddress:
    """The address that a text says: `1001` is an account, `+8613800138000` a number. ValueError: it says none."""
    return ExternalNumber(text) if text.startswith("+") else SipAccount(text)


def parse_phone(text: str) -> PhoneAddress | None:
    """The same; None for "", which says that there is no phone."""
    return phone_of(text) if text else None


def phone_text(phone: PhoneAddress | None) -> str:
    """As `parse_phone` reads it."""
    return str(phone) if phone else ""
