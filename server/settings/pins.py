"""PINs as they are kept: hashed with a salt, so that a configuration that is read by somebody gives away no PIN.

A PIN has few digits and whoever has the hash can try them all: scrypt makes that slow, and `PinLocks` stops who tries by phone.
"""

import base64
import hashlib
import hmac
import re
import secrets

SHORTEST, LONGEST = 4, 12
_COST, _BLOCK, _LANES = 2**14, 8, 1  # 16 MB and some 50 ms a try
_SALT = 16
_HASHED = re.compile(r"scrypt:([A-Za-z0-9_-]{22}):([A-Za-z0-9_-]{43})")
_NOBODY = "scrypt:" + "A" * 22 + ":" + "A" * 43


def fault(pin: str) -> str:
    """What is wrong with a PIN, in words; "" when it will do."""
    if not re.fullmatch(r"[0-9]+", pin):
        return "a PIN has digits only: it is keyed on a phone"
    if not SHORTEST <= len(pin) <= LONGEST:
        return f"a PIN has {SHORTEST} to {LONGEST} digits"
    if len(set(pin)) == 1 or pin in "01234567890123" or pin in "32109876543210":
        return "this PIN is among the first that anybody would try"
    return ""


def hashed(pin: str, salt: bytes | None = None) -> str:
    """The text for `pin:` in agents.yaml."""
    salt = salt or secrets.token_bytes(_SALT)
    return f"scrypt:{_text(salt)}:{_text(_derive(pin, salt))}"


def is_hashed(text: str) -> bool:
    """Whether `hashed` may have made this."""
    return _HASHED.fullmatch(text) is not None


def fits(pin: str, kept: str) -> bool:
    """Whether this PIN has that hash. Takes as long for a `kept` that is none: nobody learns by the time who has a PIN."""
    salt, _, expected = (kept if is_hashed(kept) else _NOBODY).removeprefix("scrypt:").partition(":")
    return hmac.compare_digest(_derive(pin, _bytes(salt)), _bytes(expected)) and is_hashed(kept)


def _derive(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=_COST, r=_BLOCK, p=_LANES, dklen=32)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
