"""Signs of a Chinese input method or a word processor where YAML or a setting wants plain ones: which it is, and what to write.

Such signs inside of prompts and names are right and are never looked at.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from sources.problems import Position, Problem

_NAMED = {
    "：": ("full-width colon", ":"),
    "，": ("full-width comma", ","),
    "、": ("Chinese enumeration comma", ","),
    "；": ("full-width semicolon", ";"),
    "。": ("Chinese full stop", "."),
    "．": ("full-width full stop", "."),
    "！": ("full-width exclamation mark", "!"),
    "？": ("full-width question mark", "?"),
    "＃": ("full-width number sign", '"#"'),
    "＊": ("full-width asterisk", '"*"'),
    "＠": ("full-width at sign", "@"),
    "％": ("full-width percent sign", "%"),
    "＋": ("full-width plus sign", "+"),
    "－": ("full-width hyphen", "-"),
    "＿": ("full-width underscore", "_"),
    "＝": ("full-width equals sign", "="),
    "＜": ("full-width less-than sign", "<"),
    "＞": ("full-width greater-than sign", ">"),
    "（": ("full-width parenthesis", "("),
    "）": ("full-width parenthesis", ")"),
    "［": ("full-width bracket", "["),
    "］": ("full-width bracket", "]"),
    "【": ("Chinese bracket", "["),
    "】": ("Chinese bracket", "]"),
    "｛": ("full-width brace", "{"),
    "｝": ("full-width brace", "}"),
    "“": ("curly quote", '"'),
    "”": ("curly quote", '"'),
    "‘": ("curly quote", "'"),
    "’": ("curly quote", "'"),
    "＂": ("full-width quote", '"'),
    "＇": ("full-width quote", "'"),
    "–": ("en dash", "-"),
    "—": ("em dash", "-"),
    "−": ("minus sign of mathematics", "-"),
    "\u3000": ("full-width space", " "),
    "\u00a0": ("non-breaking space", " "),
    "\u202f": ("narrow non-breaking space", " "),
    "\u2007": ("figure space", " "),
}
_INVISIBLE = {
    "\u200b": "zero-width space",
    "\u200c": "zero-width non-joiner",
    "\u200d": "zero-width joiner",
    "\u2060": "word joiner",
    "\ufeff": "byte order mark",
    "\u200e": "left-to-right mark",
    "\u200f": "right-to-left mark",
}
SIGNS = frozenset([*_NAMED, *_INVISIBLE, *map(chr, range(0xFF01, 0xFF5F))])
_PLAIN = str.maketrans({sign: (plain.strip('"') or '"') for sign, (_, plain) in _NAMED.items()})
_PLAIN.update(dict.fromkeys(map(ord, _INVISIBLE), ""))


def sign_problem(position: Position, sign: str) -> Problem:
    """What to say about one of SIGNS."""
    if sign in _INVISIBLE:
        return Problem(position, f"{_INVISIBLE[sign]} (U+{ord(sign):04X}), which nobody sees", "remove it")
    if sign in _NAMED:
        name, plain = _NAMED[sign]
        shown = f"U+{ord(sign):04X}" if sign.isspace() else f"'{sign}'"
        hint = "write a space" if plain == " " else f"write {plain if len(plain) > 1 else repr(plain)}"
        return Problem(position, f"{name} {shown}", hint)
    plain = plain_text(sign)
    kind = "digit" if plain.isdecimal() else "letter" if plain.isalpha() else "sign"
    return Problem(position, f"full-width {kind} '{sign}'", f"write {plain!r}")


def plain_text(text: str) -> str:
    """The same with plain signs."""
    return "".join(unicodedata.normalize("NFKC", sign) if "\uff01" <= sign <= "\uff5e" else sign for sign in text.translate(_PLAIN))


def in_structure(sign: str) -> str:
    """What to write instead of a sign outside of quotes: `"#"` for `＃`."""
    return _NAMED[sign][1] if sign in "＃＊" else plain_text(sign)


def first_sign(text: str) -> int:
    """Where the first of SIGNS stands; -1 when there is none."""
    return next((at for at, sign in enumerate(text) if sign in SIGNS), -1)


_KEY = r"""(?:[A-Za-z0-9_#*+＃＊０-９＿－Ａ-Ｚａ-ｚ][\w#*+＃＊＿－-]*|"[^"]*"|'[^']*'|[“‘][^”’]*[”’])"""
_STRUCTURE = (
    re.compile(rf"^[\s\u3000\u00a0]*(?:[-–—－]\s+)?(?:{_KEY}\s*)(：)"),  # key： at the beginning of a line
    re.compile(rf"[{{,，｛]\s*{_KEY}\s*(：)"),  # {key：
    re.compile(rf"([，、；])\s*{_KEY}\s*[:：]"),  # a comma before the next key
    re.compile(r"^\s*([–—－])\s"),  # a list's item
    re.compile(r"(?:^\s*|[:,：，]\s*|-\s+|[\[{]\s*)([｛［【“‘＂＇])"),  # what a value can begin with
    re.compile(r"([｝］】”’＂＇])\s*(?:$|#|[,\]}:，｝］：])"),  # and what it ends with
    re.compile(r"^\s*([“‘＃＊])"),  # what a key can begin with
)


def signs_in_structure(text: str, spared: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Offsets of signs that stand where YAML wants its own, for text that is no YAML. `spared` (start, end) has been read as text."""
    inside = set[int]()
    for start, end in spared:
        inside.update(at for at in range(start, end) if text[at] in SIGNS)
    offset = 0
    for line in text.splitlines(keepends=True):
        bare = line.split(" #", 1)[0]
        found = {at for at in range(len(bare) - len(bare.lstrip())) if bare[at] in SIGNS}
        found.update(at for at, sign in enumerate(bare) if sign in _INVISIBLE)
        for pattern in _STRUCTURE if not bare.isascii() else ():
            found.update(match.start(1) for match in pattern.finditer(bare))
        yield from (offset + at for at in sorted(found) if offset + at not in inside)
        offset += len(line)
