"""Checks the recordings in `config/prompts/`: that each can be played, and that some flow says the prompt which it is for."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from ivr.loading.static_speech import SpokenPrompt
from server.sounds.wav_faults import convert, wav_fault
from sources.problems import Position, Problem, suggest

SOUNDS = {"mp3", "wave", "ogg", "oga", "opus", "m4a", "mp4", "aac", "flac", "wma", "amr", "aif", "aiff", "au", "gsm", "ulaw", "alaw", "sln"}
_ASIDE = {"old", "archive", "backup", "unused", "originals", "source", "sources", "src", "new", "drafts"}  # folders that are nobody's
_OTHER_NAMES = {
    **dict.fromkeys(("cn", "chs", "chinese", "mandarin", "cmn", "zhongwen", "zh-hans"), "zh"),
    **dict.fromkeys(("gb", "uk", "us", "eng", "english"), "en"),
    **dict.fromkeys(("jp", "japanese"), "ja"),
    **dict.fromkeys(("kr", "korean"), "ko"),
    **dict.fromkeys(("ger", "german", "deutsch", "at"), "de"),
    **dict.fromkeys(("fra", "french"), "fr"),
    **dict.fromkeys(("esp", "spanish"), "es"),
}
_LANGUAGE = re.compile(r"[A-Za-z]{2}([-_][A-Za-z]{2,8})?")


def recording_problems(folder: Path, languages: Collection[str], spoken: Collection[SpokenPrompt] | None) -> Iterator[Problem]:
    """What is wrong below `config/prompts/`. No `languages`: not known; `spoken` None: not known, so names are not judged."""
    for path in _entries(folder):
        if path.is_file() and _is_sound(path):
            first = min(languages, default="LANGUAGE")
            yield _warning(path, "belongs into the folder of its language", f"move it to {folder / first / path.name}")
        elif path.is_dir() and (not languages or path.name in languages):
            yield from _Language(path, spoken).problems()
        elif path.is_dir() and (meant := _meant(path.name, languages)) is not None:
            yield _warning(path, f"the site has no language '{path.name}'", meant)


class _Language:
    """The recordings in one language."""

    def __init__(self, folder: Path, spoken: Collection[SpokenPrompt] | None) -> None:
        self.folder = folder
        self.spoken = spoken
        self.flows: dict[str, set[str]] = {}
        for prompt in spoken or ():
            self.flows.setdefault(prompt.flow, set()).add(prompt.name)

    def problems(self) -> Iterator[Problem]:
        """Of the files of all flows and of each one's."""
        for path in _entries(self.folder):
            if path.is_file():
                yield from self._file(path, "")
            elif path.is_dir() and path.name.lower() not in _ASIDE:
                yield from self._flow(path)

    def _flow(self, folder: Path) -> Iterator[Problem]:
        sounds = [path for path in sorted(folder.rglob("*")) if path.is_file() and _is_sound(path)]
        if self.spoken is not None and folder.name not in self.flows:
            if sounds:
                message = f"no flow is called '{folder.name}', whose recordings these are"
                yield _warning(folder, message, suggest(folder.name, self.flows))
            return
        for path in sounds:
            if path.parent != folder:
                yield _warning(path, "is not played", f"recordings of a flow lie in {folder} itself")
            else:
                yield from self._file(path, folder.name)

    def _file(self, path: Path, flow: str) -> Iterator[Problem]:
        ending = path.suffix.removeprefix(".")
        if ending != "wav":
            yield from _of_another_kind(path)
            return
        message, hint = wav_fault(path)
        if message:
            yield _problem(path, message, hint)
        if self.spoken is not None:
            yield from self._name(path, flow, self.spoken)

    def _name(self, path: Path, flow: str, spoken: Iterable[SpokenPrompt]) -> Iterator[Problem]:
        """Whether somebody says the prompt of this name, and whether it is one prompt."""
        name = path.stem
        known = self.flows.get(flow, set()) if flow else set().union(*self.flows.values())
        if name not in known:
            whose = f"the flow '{flow}' has no" if flow else "no flow has a"
            yield _warning(path, f"{whose} prompt '{name}'", suggest(name, known))
            return
        said = [prompt for prompt in spoken if prompt.used and (prompt.name, prompt.language) == (name, self.folder.name)]
        said = [prompt for prompt in said if prompt.flow == flow or (not flow and not self._own(prompt).is_file())]
        if said and not any(prompt.fixed for prompt in said):
            yield _warning(path, f"is never played: the text of the prompt '{name}' has variables", "remove the file, or the variables")
        texts: dict[str, list[str]] = {}
        for prompt in said:
            texts.setdefault(prompt.text, []).append(prompt.flow)
        if len(texts) > 1:
            yield _problem(path, *self._ambiguous(name, texts))

    def _own(self, prompt: SpokenPrompt) -> Path:
        return self.folder / prompt.flow / f"{prompt.name}.wav"

    def _ambiguous(self, name: str, texts: Mapping[str, list[str]]) -> tuple[str, str]:
        flows = [flows[0] for flows in texts.values()]
        message = f"the prompt '{name}' has another text in the flow '{flows[0]}' than in '{flows[1]}': whose recording is this?"
        return message, f"move it to {self.folder / flows[0] / name}.wav, or into the folder of another flow"


def _of_another_kind(path: Path) -> Iterator[Problem]:
    """A sound that is not played for its ending; not where it stands beside the WAV file that was made of it."""
    wav = path.with_suffix(".wav")
    if not _is_sound(path) or wav.is_file():
        return
    if path.suffix.lower() in (".wav", ".wave"):
        yield _warning(path, "is not played: its name must end with .wav, in small letters", f"rename it to {wav.name}")
    else:
        yield _warning(path, f"is not played: a recording is a WAV file, not {path.suffix}", convert(path.name, wav.name))


def _is_sound(path: Path) -> bool:
    return path.suffix.removeprefix(".").lower() in {*SOUNDS, "wav"}


def _entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []


def _meant(name: str, languages: Collection[str]) -> str | None:
    """What a folder could be meant for, as a hint; None when it looks like no language at all."""
    lower = name.lower().replace("_", "-")
    for guess in (lower, lower.partition("-")[0], _OTHER_NAMES.get(lower), _OTHER_NAMES.get(lower.partition("-")[0])):
        if guess in languages:
            return f"did you mean '{guess}'?"
    hint = suggest(name, languages)
    return hint if hint.startswith("did you mean") or _LANGUAGE.fullmatch(name) or lower in _OTHER_NAMES else None


def _problem(path: Path, message: str, hint: str = "") -> Problem:
    return Problem(Position(str(path)), message, hint)


def _warning(path: Path, message: str, hint: str = "") -> Problem:
    """A recording that nobody hears harms nobody, and may be kept for another day."""
    return Problem(Position(str(path)), message, hint, warning=True)
