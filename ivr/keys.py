"""Which of the keys pressed so far a prompt takes: the rule of `ivr.ports.Phone.play`, for phones that keep their keys in a list."""


def take_expected(pressed: list[str], expected: str) -> str:
    """The first expected key, or "". It and those pressed before it are taken out of `pressed`; without one all stay."""
    for place, key in enumerate(pressed):
        if key in expected:
            del pressed[: place + 1]
            return key
    return ""
