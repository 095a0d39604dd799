"""The site's own speech commands with the real espeak-ng: is it words, is it Mandarin, is it loud enough."""

import asyncio
import shlex
import wave
from array import array
from math import log10, sqrt
from pathlib import Path

import pytest
import yaml

from ivr.ports import Speech
from ivr.speech import languages, queue_phrase, say
from server.install.programs import speech_program
from server.sounds import Renderer, SoundLibrary, audio

pytestmark = [pytest.mark.integration, pytest.mark.fresh]

COMMANDS: dict[str, str] = yaml.safe_load((Path(__file__).parents[2] / "config/hotline.yaml").read_text("utf-8"))["speech"]


@pytest.fixture(scope="module")
def espeak() -> str:
    """The program that a site would speak with."""
    return str(speech_program(print))


@pytest.fixture
def renderer(espeak: str) -> Renderer:
    return Renderer(COMMANDS, program_paths={"espeak-ng": espeak})


async def phonemes(espeak: str, language: str, text: str) -> str:
    """What espeak-ng would pronounce, as its phonemes; `(en)` marks a change to English."""
    words = shlex.split(COMMANDS[language])
    arguments = [word for word in words[1 : words.index("-w")] if "{" not in word]
    process = await asyncio.create_subprocess_exec(espeak, *arguments, "-q", "-x", text, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return output.decode()


@pytest.mark.parametrize(
    ("language", "text", "shortest_s", "longest_s"),
    [("zh", "您好，欢迎致电", 1.2, 3.5), ("en", "Welcome", 0.4, 1.2), ("zh", "您前面还有两位。", 1.0, 3.0)],
)
async def test_prompts(tmp_path: Path, renderer: Renderer, language: str, text: str, shortest_s: float, longest_s: float) -> None:
    """A prompt lasts as long as a person would need for it, at the common level, in the shape that Asterisk plays."""
    library = SoundLibrary(tmp_path, renderer)
    [name] = await library.files([Speech(language, text)])
    with wave.open(name + ".wav") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        samples = array("h", file.readframes(file.getnframes()))
    level = 20 * log10(sqrt(sum(sample * sample for sample in samples) / len(samples)) / 32767)
    assert shortest_s <= len(samples) / audio.RATE <= longest_s
    assert -25 < level < -17
    assert max(map(abs, samples)) < 32767


async def test_mandarin_is_not_spelled_out(espeak: str) -> None:
    """The trap of some espeak-ng versions: pinyin read as English letters and tone numbers ("hao three")."""
    assert "X'Au214" in await phonemes(espeak, "zh", "您好")
    phrases = [queue_phrase(kind, "zh", 3, 180_000) for kind in ("joining", "position", "comfort")]
    values = [
        say("number", "-1020.5", "zh"),
        say("telephone", "13800138000", "zh"),
        say("money", "12.05", "zh"),
        say("date", "2026-11-23", "zh"),
    ]
    for text in [*phrases, *values, say("time", "14:05", "zh"), say("digits", "12*#", "zh")]:
        spoken = await phonemes(espeak, "zh", text)
        assert "(en)" not in spoken, text


async def test_every_language_of_the_site_has_a_voice(tmp_path: Path, renderer: Renderer) -> None:
    """What can be put into words can be heard, and preparing it meets no failure."""
    library = SoundLibrary(tmp_path, renderer)
    assert set(languages()) == set(COMMANDS)
    assert await library.prepare([Speech(language, queue_phrase("comfort", language)) for language in languages()]) == []


async def test_espeak_reads_no_file_and_takes_no_option(tmp_path: Path, renderer: Renderer) -> None:
    """A text like an option of espeak-ng is said, and its file is not read or written."""
    stolen = tmp_path / "stolen.wav"
    library = SoundLibrary(tmp_path / "cache", renderer)
    [name] = await library.files([Speech("en", f"-w{stolen}")])
    assert audio.is_playable(Path(name + ".wav"))
    assert not stolen.exists()
