"""The sound library with real files and real speech programs that behave, fail, hang or say nothing."""

import asyncio
import json
import os
import sys
import wave
from array import array
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from ivr.ports import Speech
from server.sounds import CannotRender, Renderer, SoundLibrary, audio
from server.sounds.library import sweep
from server.sounds.music import music_folder

pytestmark = pytest.mark.integration

PROGRAM = """
import json, math, os, sys, time, wave
from array import array
out, text = sys.argv[1], sys.argv[2]
with open(os.environ["TTS_LOG"], "a") as log:
    log.write(json.dumps([os.getpid(), *sys.argv[2:]]) + "\\n")
if "fail" in text:
    sys.exit("no such voice")
if "hang" in text:
    time.sleep(600)
if "wait" in text:
    while not os.path.exists(os.environ["TTS_LOG"] + ".go"):
        time.sleep(0.005)
if "nothing" in text:
    sys.exit(0)
with wave.open(out, "wb") as file:
    file.setparams((1, 2, 22050, 0, "NONE", ""))
    loud = 0 if "silent" in text else 9000
    if "header" not in text:
        file.writeframes(array("h", [int(loud * math.sin(i / 8)) for i in range(11025)]).tobytes())
"""


class Site:
    """A cache, a folder of recordings, and a log of what the speech program was asked."""

    def __init__(self, folder: Path, time_limit_s: float = 20.0) -> None:
        self.cache, self.recordings, self.log = folder / "cache", folder / "prompts", folder / "log"
        program = folder / "tts"
        program.write_text(f"#!{sys.executable}\n{PROGRAM}")
        program.chmod(0o755)
        self.renderer = Renderer(
            {"en": "tts {out} {text}"}, program_paths={"tts": str(program)}, env={"TTS_LOG": str(self.log)}, time_limit_s=time_limit_s
        )
        self.library = SoundLibrary(self.cache, self.renderer, self.recordings)

    def asked(self) -> list[list[str]]:
        """Process id and text of every run."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    async def running(self) -> None:
        """Returns when a speech program has begun."""
        for _ in range(5000):
            if self.asked():
                return
            await asyncio.sleep(0.002)
        raise AssertionError("the speech program was not started")

    def let_go(self) -> None:
        """Lets the program that was asked to wait go on."""
        Path(f"{self.log}.go").touch()

    def record(self, name: str, rate: int = 8000, channels: int = 1) -> Path:
        """Puts a recording there."""
        path = self.recordings / "en" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(array("h", [1000, -1000] * (rate // 2) * channels).tobytes())
        return path


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    site = Site(tmp_path)
    yield site
    await site.library.close()


def en(text: str, recording: str = "") -> Speech:
    return Speech("en", text, recording)


async def test_a_text_is_rendered_once(site: Site) -> None:
    """The same text costs one run, also for callers at the same time and for the next server; the file is what Asterisk plays."""
    together = await asyncio.gather(*(site.library.files([en("Welcome")]) for _ in range(5)))
    again = await SoundLibrary(site.cache, site.renderer).files([en("Welcome"), en("Welcome")])
    assert len(site.asked()) == 1
    assert {name for names in together for name in names} == set(again)
    path = Path(again[0] + ".wav")
    assert path.is_absolute()
    assert audio.is_playable(path)
    assert os.stat(path).st_mode & 0o777 == 0o644


async def test_order_and_empty_texts(site: Site) -> None:
    """Files come in the order of speech; a text without a letter or digit has none."""
    one, two, three = await site.library.files([en("one"), en(" ... "), en("two"), en(""), en("one")])
    assert one == three != two


async def test_another_command_is_another_sound(site: Site) -> None:
    """A changed speech command renders anew."""
    [first] = await site.library.files([en("Welcome")])
    changed = Renderer({"en": "tts {out} {text} -x"}, program_paths=site.renderer._program_paths, env={"TTS_LOG": str(site.log)})
    [second] = await SoundLibrary(site.cache, changed).files([en("Welcome")])
    assert first != second


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        ("-f/etc/passwd", " -f/etc/passwd"),
        ("$(reboot); `x` | 'y' \"z\"", "$(reboot); `x` | 'y' \"z\""),
        ("{out} {text}", "{out} {text}"),
        ("a\x00b\r\nc\x1b", "a b c"),
        ("lone \ud800", "lone ?"),
        ("您好", "您好"),
    ],
)
async def test_a_text_is_one_harmless_argument(site: Site, text: str, argument: str) -> None:
    """Whatever a look-up answers reaches the program as text: no shell, no option, no second substitution."""
    await site.library.files([en(text)])
    assert site.asked()[0][1:] == [argument]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("fail", "tts {out} {text}.*exit code 1: no such voice"),
        ("nothing", "no usable sound"),
        ("header", "silent"),
        ("silent", "silent"),
        ("x" * 4001, "4001 characters"),
    ],
)
async def test_a_bad_command_has_a_clear_error(site: Site, text: str, why: str) -> None:
    """A command that fails, writes nothing or writes silence names itself and its words, and leaves no file behind."""
    with pytest.raises(CannotRender, match=why.replace("{", r"\{").replace("}", r"\}")):
        await site.library.files([en(text)])
    assert list(site.cache.iterdir()) == []


async def test_missing_program_and_language(tmp_path: Path) -> None:
    """A program that is not installed and a language without a command say what to do."""
    library = SoundLibrary(tmp_path, Renderer({"en": "no-such-speech-program {out} {text}"}))
    with pytest.raises(CannotRender, match="install no-such-speech-program"):
        await library.files([en("Welcome")])
    with pytest.raises(CannotRender, match=r"hotline\.yaml"):
        await library.files([Speech("fr", "Bonjour")])


@pytest.mark.parametrize("command", ["espeak-ng -w {out}", "espeak-ng {text}", "", "{text} {out", 'x "{text} {out}'])
def test_a_bad_template_is_refused_at_start(command: str) -> None:
    """A template that cannot work is an error of the configuration."""
    with pytest.raises(ValueError, match="speech command for en"):
        Renderer({"en": command})


async def test_a_hanging_command_is_ended_and_rests(tmp_path: Path) -> None:
    """A speech program that hangs is killed at its limit, and the next prompts fail at once instead of waiting again."""
    site = Site(tmp_path, time_limit_s=1.0)
    with pytest.raises(CannotRender, match="longer than 1 s"):
        await site.library.files([en("hang")])
    with pytest.raises(CannotRender, match="left alone"):
        await site.library.files([en("Welcome")])
    assert len(site.asked()) == 1
    assert not _alive(site.asked()[0][0])


async def test_the_first_caller_hangs_up(site: Site) -> None:
    """A caller who leaves while a text is rendered does not take it from the caller who waits for the same text."""
    first, second = (asyncio.create_task(site.library.files([en("wait")])) for _ in range(2))
    await site.running()
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    site.let_go()
    assert len(await second) == 1
    assert len(site.asked()) == 1


async def test_close_ends_what_is_under_way(site: Site) -> None:
    """No speech program outlives the server."""
    caller = asyncio.create_task(site.library.files([en("hang")]))
    await site.running()
    await site.library.close()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert not _alive(site.asked()[0][0])


async def test_recordings_win(site: Site) -> None:
    """A recording is used instead of the text, and brought into shape when Asterisk could not play it."""
    good, studio = site.record("welcome"), site.record("studio", 44100, 2)
    first, second, third = await site.library.files([en("Welcome", "welcome"), en("Welcome", "studio"), en("Welcome", "missing")])
    assert first == str(good.with_suffix(""))
    assert second != str(studio.with_suffix(""))
    assert audio.is_playable(Path(second + ".wav"))
    assert audio.is_playable(Path(third + ".wav"))
    assert len(site.asked()) == 1


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\x24\x00\x00\x00WAVEfmt ", b"\xff" * 5000])
async def test_a_broken_recording_says_so(site: Site, content: bytes) -> None:
    """A file that is no WAV file is named in the error."""
    site.record("welcome").write_bytes(content)
    with pytest.raises(CannotRender, match=r"welcome\.wav"):
        await site.library.files([en("Welcome", "welcome")])


async def test_a_recording_cannot_be_elsewhere(site: Site) -> None:
    """A name with a path in it is no recording."""
    site.record("../../secret")
    for name in ("../../secret", "/etc/x", "..", ".hidden"):
        [path] = await site.library.files([en("Welcome", name)])
        assert Path(path).parent == site.cache


async def test_prepare_reports_and_goes_on(site: Site) -> None:
    """Preparing makes everything it can and returns each failure once."""
    failures = await site.library.prepare([en("one"), en("fail"), en("fail 2"), en("two"), en("one")])
    assert len(failures) == 1
    await site.library.files([en("one"), en("two")])
    assert len(site.asked()) == 4


async def test_a_spoilt_cache_file_is_made_again(site: Site) -> None:
    """A file cut short by a power failure is not played for ever."""
    [name] = await site.library.files([en("Welcome")])
    os.truncate(name + ".wav", 0)
    await site.library.files([en("Welcome")])
    assert audio.is_playable(Path(name + ".wav"))


def test_sweep(tmp_path: Path) -> None:
    """The cache keeps what was used last and leaves folders alone."""
    for age, name in enumerate(["old", "middle", "new"]):
        (tmp_path / name).write_bytes(b"x" * 100)
        os.utime(tmp_path / name, (1000 + age, 1000 + age))
    (tmp_path / "music-1").mkdir()
    sweep(tmp_path, 200)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["middle", "music-1", "new"]


async def test_tone_and_music(site: Site) -> None:
    """The tone and the music are files that Asterisk plays, made once."""
    tone = Path(site.library.tone() + ".wav")
    piece = music_folder(site.cache) / "waiting.wav"
    made = (os.stat(tone).st_ino, os.stat(piece).st_ino)
    site.library.tone()
    music_folder(site.cache)
    assert made == (os.stat(tone).st_ino, os.stat(piece).st_ino)
    assert audio.is_playable(tone)
    assert audio.is_playable(piece)


@pytest.mark.parametrize(("width", "value"), [(1, b"\xc0"), (2, b"\x00\x40"), (3, b"\x99\x00\x40"), (4, b"\x99\x99\x00\x40")])
def test_sample_widths(tmp_path: Path, width: int, value: bytes) -> None:
    """8, 16, 24 and 32 bit files mean the same sound."""
    path = tmp_path / "x.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(width)
        file.setframerate(8000)
        file.writeframes(value * 20)
    assert audio.read_wav(path) == (8000, [float(0x4000)] * 10)


def _alive(pid: int | str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True
