"""Regular expressions of flows, read by RE2: it never goes back, so what a match costs grows with the entry's length and no faster.

`re` would try `([0-9]+)+x` in 2^30 ways on 31 digits, and the server would stand still. What RE2 does not know is refused with what to
write instead. A program of MEMORY bytes over an entry of 64 keys takes some milliseconds at most.
"""

import re
from typing import Annotated, Any

import re2
from pydantic import PlainValidator

MOST_SIGNS = 200
MEMORY = 128 * 1024  # 4 ms for the worst of some hundred grown at random

# What RE2 does not know, as it begins in an expression, and what to write instead. The first that is found is reported.
_INSTEAD = (
    (
        r"\(\?<?[=!]",
        "look-ahead and look-behind",
        "a list of what is allowed ([1-9][0-9]* for (?!0)[0-9]+), min, max, one_of, or a branch",
    ),
    (r"\\[1-9]|\(\?P=", "a reference to a group", "a list of what is allowed ((11|22) for ([12])\\1), or a comparison in a branch"),
    (r"\(\?>", "an atomic group", "(?:...), which means the same: this engine never goes back"),
    (r"[*+?}]\+", "a repeat that never gives back", "a plain one such as [0-9]+, which means the same: this engine never goes back"),
    (r"\(\?\(", "a group that depends on another", "both cases: (1[0-9]|[2-9])"),
    (r"\{,[0-9]+\}", "a repeat without its lower number", "{0,3} for {,3}"),
    (r"\\Z", "\\Z", "nothing: the pattern is always compared with the complete entry"),
    (r"\(\?#", "a comment", "a comment of YAML: # behind the line"),
)


class EntryPattern:
    """One expression. It must match the complete entry."""

    def __init__(self, text: str) -> None:
        """Raises ValueError with a sentence that says what is wrong with it and what to write."""
        if len(text) > MOST_SIGNS:
            raise ValueError(f"expected a regular expression of up to {MOST_SIGNS} characters, this one has {len(text)}")
        self.text = text
        options = re2.Options()
        options.max_mem, options.log_errors = MEMORY, False
        if fault := _unknown(text):
            raise ValueError(fault)
        try:
            self._compiled = re2.compile(text, options)
        except (re2.error, UnicodeError) as error:
            raise ValueError(f"is no regular expression: {_told(error)}") from None

    def fits(self, entry: str) -> bool:
        """Whether the complete entry is as the expression says."""
        return self._compiled.fullmatch(entry) is not None

    def __repr__(self) -> str:
        return f"EntryPattern({self.text!r})"


def _unknown(text: str) -> str:
    bare = re.sub(r"\\[^1-9Z]|\[\^?\]?[^\]]*\]", "_", text)  # without escaped signs and what stands in brackets
    for sign, what, instead in _INSTEAD:
        if re.search(sign, bare):
            return f"{what} is not known to the engine of patterns (RE2): write {instead}"
    return ""


def _told(error: Exception) -> str:
    said = error.args[0] if error.args else b""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return "it is too large, use fewer or smaller repeats" if "too large" in text else text


def _read(value: Any) -> EntryPattern:
    if not isinstance(value, str):
        raise ValueError(f"expected a regular expression of up to {MOST_SIGNS} characters")
    return EntryPattern(value)


Pattern = Annotated[EntryPattern, PlainValidator(_read)]
