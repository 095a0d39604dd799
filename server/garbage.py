"""When Python looks for garbage: seldom, and not among what stays anyway. A look at everything takes as long as several offers."""

import gc

THRESHOLDS = (5_000, 20, 20)  # Python's own are 700, 10, 10


def settle() -> None:
    """What there is now - programs, the site, its flows - stays as long as the process: it is not looked at any more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
