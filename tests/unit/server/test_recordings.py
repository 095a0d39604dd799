"""Recordings: what `check` says of each file, and which one is played. Both mean the same files."""

import struct
import wave
from pathlib import Path

import pytest

from ivr.loading.static_speech import static_speech
from ivr.ports import Speech
from server.sounds import audio
from server.sounds.recordings import Recordings
from server.sounds.wav_faults import wav_fault
from tests.settings_house import SmallSite

pytestmark = pytest.mark.unit

CONVERT = "convert it: ffmpeg -i {} -ar 8000 -ac 1 -c:a pcm_s16le {}"
CONVERTED = CONVERT.format("goodbye.wav", "new.wav")
TO_WAV = CONVERT.format("goodbye.mp3", "goodbye.wav")


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    return SmallSite(tmp_path)


def wav(path: Path, rate: int = 8000, channels: int = 1, width: int = 2, seconds: float = 0.1) -> bytes:
    """Writes a WAV file of silence; its bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(b"\0" * (width * channels * int(rate * seconds)))
    return path.read_bytes()


def headed(code: int, data: bytes = b"\0" * 800) -> bytes:
    """A WAV file of another format."""
    shape = struct.pack("<HHIIHH", code, 1, 8000, 8000, 1, 8)
    inside = b"WAVEfmt " + struct.pack("<I", len(shape)) + shape + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(inside)) + inside


def good() -> bytes:
    """A tenth of a second, as bytes."""
    shape = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    return b"RIFF" + struct.pack("<I", 36 + 1600) + shape + b"data" + struct.pack("<I", 1600) + b"\1\0" * 800


DAMAGED = {
    "good": (good(), ""),
    "empty": (b"", "is an empty file"),
    "text": ("感谢您的来电".encode() * 100, "is text, not a WAV file"),
    "line": (b"Goodbye.\n", "is text, not a WAV file"),
    "noise": (b"\x00\xff\x81" * 900, "is no WAV file"),
    "mp3": (b"ID3\x04" + b"\0" * 500, "is an MP3 file, not a WAV file"),
    "mp3 frame": (b"\xff\xfb\x90" + b"\0" * 500, "is an MP3 file, not a WAV file"),
    "m4a": (b"\0\0\0\x20ftypM4A " + b"\0" * 500, "is an MP4 or M4A file, not a WAV file"),
    "ogg": (b"OggS" + b"\0" * 500, "is an Ogg file, not a WAV file"),
    "beginning": (good()[:4], "ends within its header"),
    "header": (good()[:30], "ends within its header"),
    "no data": (good()[:36], "ends within its header"),
    "half": (good()[: 44 + 800], "ends too early: of 0.10 seconds 0.05 are there"),
    "no sound": (good()[:40] + b"\0\0\0\0", "has no sound in it"),
    "a-law": (headed(6), "is a WAV file with A-law: expected plain samples (PCM)"),
    "gsm": (headed(49), "is a WAV file with GSM: expected plain samples (PCM)"),
    "float": (headed(3), "is a WAV file with floating point: expected plain samples (PCM)"),
    "strange": (headed(777), "is a WAV file with format 777: expected plain samples (PCM)"),
    "slow": (good()[:24] + struct.pack("<I", 1000) + good()[28:], "has 1000 samples a second: expected 4000 to 192000"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_file_that_is_no_recording_is_named(site: SmallSite, name: str) -> None:
    """With its path, what it is, and what to do."""
    content, said = DAMAGED[name]
    path = site.folder / "config/prompts/zh/goodbye.wav"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    problems = site.said()
    if not said:
        assert problems == []
    else:
        (problem,) = problems
        assert problem.startswith(f"config/prompts/zh/goodbye.wav:1:1: {said} - ")
        anew = ("text" in said, "no WAV" in said, "empty" in said, "no sound" in said, "ends" in said)
        assert problem.endswith("record it anew, or remove the file" if any(anew[:4]) else "anew" if anew[4] else CONVERTED)


@pytest.mark.parametrize("name", DAMAGED)
def test_what_check_calls_good_can_be_played(tmp_path: Path, name: str) -> None:
    """Whatever cannot be read for playing is named by the check; the check names more, such as half a file."""
    path = tmp_path / "a.wav"
    path.write_bytes(DAMAGED[name][0])
    if wav_fault(path) == ("", ""):
        assert audio.is_playable(path) or audio.read_wav(path)[1]
    else:
        assert DAMAGED[name][1]


@pytest.mark.parametrize(("rate", "channels", "width"), [(8000, 1, 2), (44100, 2, 2), (16000, 1, 1), (48000, 2, 3), (22050, 1, 4)])
def test_every_usual_shape_is_good(tmp_path: Path, rate: int, channels: int, width: int) -> None:
    """Any usual rate, one channel or two, 8 to 32 bits."""
    path = tmp_path / "a.wav"
    wav(path, rate, channels, width)
    assert wav_fault(path) == ("", "")
    assert audio.read_wav(path)[0] == rate


def test_a_length_that_was_never_written_is_good(tmp_path: Path) -> None:
    """A program that writes into a pipe does not know it."""
    path = tmp_path / "a.wav"
    content = bytearray(wav(path))
    content[40:44] = content[4:8] = b"\xff\xff\xff\xff"
    path.write_bytes(bytes(content))
    assert wav_fault(path) == ("", "")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("zh/goodbye.wav", None),
        ("zh/main/goodbye.wav", None),
        ("zh/no_match.wav", None),
        ("zh/godbye.wav", "zh/godbye.wav:1:1: warning: no flow has a prompt 'godbye' - did you mean 'goodbye'?"),
        ("zh/Goodbye.wav", "zh/Goodbye.wav:1:1: warning: no flow has a prompt 'Goodbye' - did you mean 'goodbye'?"),
        ("zh/main/godbye.wav", "zh/main/godbye.wav:1:1: warning: the flow 'main' has no prompt 'godbye' - did you mean 'goodbye'?"),
        ("zh/mian/goodbye.wav", "zh/mian:1:1: warning: no flow is called 'mian', whose recordings these are - did you mean 'main'?"),
        (
            "zh/main/more/goodbye.wav",
            "zh/main/more/goodbye.wav:1:1: warning: is not played - ",
        ),
        (
            "zh/confirm.wav",
            "zh/confirm.wav:1:1: warning: is never played: the text of the prompt 'confirm' has variables",
        ),
        ("goodbye.wav", "goodbye.wav:1:1: warning: belongs into the folder of its language - move it to config/prompts/en/goodbye.wav"),
        ("cn/goodbye.wav", "cn:1:1: warning: the site has no language 'cn' - did you mean 'zh'?"),
        ("zh-CN/goodbye.wav", "zh-CN:1:1: warning: the site has no language 'zh-CN' - did you mean 'zh'?"),
        ("ZH/goodbye.wav", "ZH:1:1: warning: the site has no language 'ZH' - did you mean 'zh'?"),
        ("english/goodbye.wav", "english:1:1: warning: the site has no language 'english' - did you mean 'en'?"),
        ("fr/goodbye.wav", "fr:1:1: warning: the site has no language 'fr' - possible: en, zh"),
        (
            "zh/goodbye.mp3",
            f"zh/goodbye.mp3:1:1: warning: is not played: a recording is a WAV file, not .mp3 - {TO_WAV}",
        ),
        (
            "zh/goodbye.WAV",
            "zh/goodbye.WAV:1:1: warning: is not played: its name must end with .wav, in small letters - rename it to goodbye.wav",
        ),
        ("zh/old/godbye.wav", None),
        ("studio/goodbye.wav", None),
        (".git/goodbye.wav", None),
        ("zh/.goodbye.wav", None),
        ("zh/script.txt", None),
        ("README.md", None),
    ],
)
def test_a_recording_that_nobody_ever_hears_is_named(site: SmallSite, name: str, said: str | None) -> None:
    """A misspelt name, flow or language, another ending, a wrong folder; what is plainly no recording in use is left alone."""
    wav(site.folder / "config/prompts" / name)
    problems = site.said()
    assert len(problems) == (said is not None)
    assert not problems or problems[0].startswith(f"config/prompts/{said}")


def test_an_mp3_beside_its_wav_file_is_left_alone(site: SmallSite) -> None:
    """It is where the recording came from."""
    wav(site.folder / "config/prompts/zh/goodbye.wav")
    (site.folder / "config/prompts/zh/goodbye.mp3").write_bytes(b"ID3")
    assert site.said() == []


def second_flow(site: SmallSite, greeting: str) -> None:
    """Two flows with a prompt `greeting`: of main it is 您好。"""
    site.change("dialplans/main.yaml", "start: open\n", "start: open\nprompts: {greeting: {zh: 您好。, en: Hello.}}\n")
    site.change("dialplans/main.yaml", "prompt: goodbye", "prompt: [greeting, goodbye]")
    site.write(
        "dialplans/water.yaml",
        f"flow: water\nstart: a\nprompts: {{greeting: {{zh: {greeting}, en: Hello.}}}}\nnodes:\n  a: {{type: hangup, prompt: greeting}}\n",
    )


def test_a_recording_belongs_to_its_flow(site: SmallSite) -> None:
    """Where two flows have a prompt of one name and different texts, a recording of both is refused; one of each flow's is right."""
    second_flow(site, "自来水公司。")
    both = site.folder / "config/prompts/zh/greeting.wav"
    wav(both)
    wav(site.folder / "config/prompts/en/greeting.wav")
    assert site.said() == [
        "config/prompts/zh/greeting.wav:1:1: the prompt 'greeting' has another text in the flow 'main' than in 'water':"
        " whose recording is this? - move it to config/prompts/zh/main/greeting.wav, or into the folder of another flow"
    ]
    wav(site.folder / "config/prompts/zh/water/greeting.wav")
    assert site.said() == []


def test_flows_with_the_same_text_share_a_recording(site: SmallSite) -> None:
    """It is the same prompt for the caller."""
    second_flow(site, "您好。")
    wav(site.folder / "config/prompts/zh/greeting.wav")
    assert site.said() == []


def test_a_shared_prompt_that_a_flow_writes_anew_is_another(site: SmallSite) -> None:
    """Where both are said; a flow that says neither is not asked."""
    site.write(
        "dialplans/water.yaml",
        "flow: water\nstart: a\nprompts: {goodbye: {zh: 水！, en: Bye.}}\nnodes:\n  a: {type: hangup, prompt: goodbye}\n",
    )
    wav(site.folder / "config/prompts/zh/goodbye.wav")
    assert len(site.said()) == 1
    site.change("dialplans/main.yaml", ", prompt: goodbye", "")
    assert site.said() == []


def test_names_are_not_judged_where_flows_are_not_known(site: SmallSite) -> None:
    """A mistake in a flow makes no recording wrong; the file itself is judged."""
    site.change("dialplans/main.yaml", "type: hangup", "type: hang_up")
    wav(site.folder / "config/prompts/zh/nobodys.wav")
    (site.folder / "config/prompts/zh/other.wav").write_bytes(b"")
    said = site.said()
    assert len(said) == 2
    assert said[0].startswith("config/prompts/zh/other.wav:1:1: is an empty file")


def test_a_mistake_in_the_settings_makes_no_language_unknown(site: SmallSite) -> None:
    """Then the languages are not known."""
    site.change("config/hotline.yaml", "languages: [zh, en]", "languages: [zh, en")
    wav(site.folder / "config/prompts/fr/goodbye.wav")
    assert len(site.said()) == 1


def test_what_is_played_is_what_was_checked(site: SmallSite) -> None:
    """The flow's own recording first, then the one for all, else none; with what flows really say."""
    second_flow(site, "自来水公司。")
    folder = site.folder / "config/prompts"
    for name in ("zh/main/greeting.wav", "zh/water/greeting.wav", "en/greeting.wav"):
        wav(folder / name)
    recordings = Recordings(folder)
    played = {
        (speech.flow, speech.language): path.relative_to(folder).as_posix()
        for speech in static_speech(site.load().flows)
        if (path := recordings.find(speech))
    }
    assert played == {
        ("main", "zh"): "zh/main/greeting.wav",
        ("main", "en"): "en/greeting.wav",
        ("water", "zh"): "zh/water/greeting.wav",
        ("water", "en"): "en/greeting.wav",
    }


@pytest.mark.parametrize("flow", ["../..", "/etc", "..", ".", "a/b", ""])
def test_no_name_of_a_flow_leads_elsewhere(tmp_path: Path, flow: str) -> None:
    """Only a plain name is a folder."""
    wav(tmp_path / "prompts/zh/a.wav")
    wav(tmp_path / "a.wav")
    assert Recordings(tmp_path / "prompts").find(Speech("zh", "x", "a", flow)) == tmp_path / "prompts/zh/a.wav"
