"""One word for a thing: words that were given up stand nowhere any more, in code, documents and what people hear."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[3]
FOLDERS = ("agi", "ivr", "routing", "server", "sources", "docs", "dialplans", "config")
GLOSSARY = HOME / "docs/glossary.md"  # says which words are not used
# word -> what is said instead
RETIRED = {
    r"\b(Queue)?Desk\b": "RoutingClient, QueuePort",
    r"\bFloor\b": "BoardState",
    r"\bPresence\b": "Staffing, StaffingRule",
    r"\bOutlooks?\b": "WaitForecast",
    r"\bFleet\b": "ServerList",
    r"\bOrphans\b": "OrphanedCalls",
    r"\bVisit\b": "QueueStay",
    r"\bPast\b": "EarlierLog",
    r"\bFacilities\b": "SessionServices, ApiServices",
    r"\bCallerMemory\b": "CallerHistory",
    r"\bNotThere\b": "Unreachable",
    r"\b(RingResult|RingOutcome|RingOver|RingChannel|RingAmi)\b": "DialResult, OfferResult, LegOutcome, OfferOutcome, OfferFinished",
    r"\bHappenings?\b": "StayEvent",
    r"\b(Caller|Scripted|Asterisk)Line\b": "QueuedCaller, ScriptedCaller, AsteriskCaller",
    r"(?i)\blines?\s+outside\b|\boutside line\b|lines? from the outside": "external number, trunk",
    r"(?i)\bpermanent line\b": "auto-answer phone",
    r"\b(TalkHeld|AgentHeld|ServerHolds|TellOrder|TellPhoneOrder|Retelling)\b": "TalkReported, ReportContactOrder, Resync and so on",
    r"(?i)\b(tell|tells|told|telling) again\b|\b_?tell_(?!order|phone_order)\w+|\.tell\((?!\))": "report, write, post, log, say",
    r"\bkeep_stage\b": "save_checkpoint",
    r"\bboard\.at\(": "schedule",
    r"(?i)\bwanted (later|again)\b": "due",
    r"(?i)\b(go|goes|going) elsewhere\b": "overflows, at another server, at another phone",
    r"\bholds no\b": "there is no",
    "座席": "坐席",
    "话后处理": "话后整理",
    "派单": "分配 (of calls)",
    "签退": "签出",
    "就绪": "空闲",
}


def texts() -> Iterator[tuple[Path, str]]:
    files = [*HOME.glob("*.md"), *(path for folder in FOLDERS for path in (HOME / folder).rglob("*"))]
    for path in files:
        if path.suffix in (".py", ".md", ".yaml", ".j2", ".lua") and path != GLOSSARY and "changelog" not in str(path).lower():
            yield path, path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("word", "instead"), RETIRED.items())
def test_a_retired_word_stands_nowhere(word: str, instead: str) -> None:
    """The glossary has the word to use."""
    pattern = re.compile(word)
    found = [
        f"{path.relative_to(HOME)}:{number}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == [], f"say {instead}"
