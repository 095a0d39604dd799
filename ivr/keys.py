"""Which of the keys pressed so far a prompt takes: the rule of `ivr.ports.Phone.play`, for phones that keep their keys in a list."""


def take_wanted(pressed: list[str], wanted: str) -> str:
    """The first wanted key, or "". It and those pressed before it are taken out of `pressed`; without a wanted one all stay."""
    for place, key in enumerate(pressed):
        if key in wanted:
            del pressed[: place + 1]
            return key
    return ""
