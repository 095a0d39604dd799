"""Reads the host's apt sources to find where its distribution is fetched from; knows both ways of writing them, touches no file."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Source:
    """One entry of the host's sources; `options` as in a one-line entry, for instance {"signed-by": "/usr/share/keyrings/x.gpg"}."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)

    def line(self, suite: str, components: tuple[str, ...]) -> str:
        """A one-line entry for another suite of the same mirror."""
        options = " ".join(f"{name}={value}" for name, value in self.options.items())
        return f"deb {f'[{options}] ' if options else ''}{self.uri} {suite} {' '.join(components)}"


# Only what says how the mirror is to be trusted is taken over.
_TRUST = ("signed-by", "trusted", "check-valid-until", "check-date", "allow-insecure")
_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>(?:\s+\S+)*)\s*$")


def read_list(text: str) -> Iterator[Source]:
    """Entries of a one-line file (`.list`)."""
    for raw in text.splitlines():
        found = _LINE.match(raw.split("#", 1)[0].strip())
        if found:
            pairs = (option.split("=", 1) for option in (found["options"] or "").split() if "=" in option)
            options = {name.lower(): value for name, value in pairs if name.lower() in _TRUST}
            yield Source(found["uri"], (found["suite"],), tuple(found["components"].split()), options)


def read_deb822(text: str) -> Iterator[Source]:
    """Entries of a paragraph file (`.sources`); a key that is written into the file itself (Signed-By with a block) is not taken over."""
    for paragraph in re.split(r"\n\s*\n", text):
        fields = _fields(paragraph)
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        options = {name: fields[name] for name in _TRUST if fields.get(name) and " " not in fields[name] and "\n" not in fields[name]}
        for uri in fields.get("uris", "").split():
            yield Source(uri, tuple(fields.get("suites", "").split()), tuple(fields.get("components", "").split()), options)


def _fields(paragraph: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in paragraph.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line[0] in " \t":
            fields[name] = f"{fields.get(name, '')}\n{line.strip()}"
        elif ":" in line:
            name, value = line.split(":", 1)
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


def distribution_source(sources: list[Source], codename: str) -> Source | None:
    """The entry that the distribution itself comes from: it has the suite `codename` and the component main. Third parties name neither."""
    fitting = [source for source in sources if codename in source.suites and "main" in source.components]
    return fitting[0] if fitting else None
