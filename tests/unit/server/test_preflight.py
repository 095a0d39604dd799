"""What keeps the gaps of an Asterisk true: asked after a login, told once, asked again while one is there, told when it is gone."""

import asyncio
from collections.abc import Callable

import pytest

from agi.ami.errors import AmiNotConnected
from routing.domain.events.envelope import EventData
from routing.domain.events.servers import AsteriskGapFound, AsteriskGapMended
from server.external.gaps import Gap
from server.external.preflight import NOT_ASKED, Preflight

pytestmark = pytest.mark.unit

RIGHT = Gap("rights", "the AMI user lacks read = call.", True)
MUSIC = Gap("music", "it has no music.", False)


class Asterisk:
    """Answers what the story says next, the last answer for ever; `told` is what was found and mended, in order."""

    def __init__(self, *answers: list[Gap] | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.told: list[str] = []
        self.preflight = Preflight(self.examine, self, "node-1", lambda: self.told.append("log in"), booting_s=0)

    def write(self, data: EventData) -> None:
        """As the event log is told."""
        assert isinstance(data, AsteriskGapFound | AsteriskGapMended)
        assert data.server == "node-1"
        self.told.append(f"{'found' if isinstance(data, AsteriskGapFound) else 'mended'} {data.about}")

    async def examine(self) -> list[Gap]:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def until(self, true: Callable[[], bool]) -> None:
        """Runs the preflight until that is so."""
        self.preflight.ask()
        running = asyncio.create_task(self.preflight.run())
        async with asyncio.timeout(10):
            while not true():  # noqa: ASYNC110 - it has no event of its own
                await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_whole_asterisk_is_asked_once() -> None:
    """Before the answer the server is not ready; after it, it is, and nobody asks again."""
    asterisk = Asterisk([])
    assert asterisk.preflight.why_not_ready == NOT_ASKED

    await asterisk.until(lambda: asterisk.preflight.why_not_ready == "")

    assert (asterisk.asked, asterisk.told) == (1, [])


async def test_what_a_starting_asterisk_lacks_is_no_news() -> None:
    """It takes logins before it has everything: only what is still missing a moment later is told."""
    asterisk = Asterisk([RIGHT, MUSIC], [MUSIC])

    await asterisk.until(lambda: bool(asterisk.preflight.gaps))

    assert asterisk.told == ["found music"]
    assert asterisk.preflight.why_not_ready == ""
    assert asterisk.preflight.warnings == [MUSIC.words]


async def test_a_gap_is_told_once_and_its_end_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for again by itself; a right that is given needs another login."""
    monkeypatch.setattr("server.external.preflight.FIRST_PAUSE_S", 0)
    asterisk = Asterisk([RIGHT], [RIGHT], [RIGHT], [RIGHT], [])

    await asterisk.until(lambda: asterisk.asked >= 5 and not asterisk.preflight.gaps)

    assert asterisk.told == ["found rights", "mended rights", "log in"]
    assert dict(asterisk.preflight.counts())["rights", "yes"] == 0


async def test_a_dangerous_gap_makes_the_server_not_ready() -> None:
    """With the sentence that says what to do; the lesser one is beside it."""
    asterisk = Asterisk([RIGHT, MUSIC])

    await asterisk.until(lambda: bool(asterisk.preflight.gaps))

    assert asterisk.preflight.why_not_ready == RIGHT.words
    assert asterisk.preflight.warnings == [MUSIC.words]
    assert {labels: count for labels, count in asterisk.preflight.counts() if count} == {("rights", "yes"): 1, ("music", "no"): 1}


async def test_a_connection_that_is_lost_meanwhile() -> None:
    """What was known stays; it is asked at the next login."""
    asterisk = Asterisk(AmiNotConnected("gone"), [])

    await asterisk.until(lambda: asterisk.asked == 1)
    assert asterisk.preflight.why_not_ready == NOT_ASKED
    await asterisk.until(lambda: asterisk.preflight.why_not_ready == "")
