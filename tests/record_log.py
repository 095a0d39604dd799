"""Records what this version writes into the event log, and what a server shows after it: `python -m tests.record_log`.

A small call centre lives through a day in virtual time. The log stands in tests/recorded/ as it was written: a later version must read it
and come to the same picture (tests/unit/routing/test_recorded_log.py). Record anew when a type is added or its version raised, and keep
what was recorded before beside it, under the version's name.
"""

import asyncio
import json
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ivr.call import CallContext
from ivr.interpreter import Interpreter
from ivr.loading.draft import SiteFacts
from ivr.loading.loader import load_files
from ivr.numbers import normalise
from ivr.ports import DialOutcome, LookupReply
from ivr.testing import ScriptedLookup, ScriptedPhone, ScriptedQueues, VirtualClock
from routing.domain.agent import Agent
from routing.domain.contact_facts import CALLBACK, CHAT, TASK, ContactFacts
from routing.domain.current_directory import CurrentDirectory
from routing.domain.events.calls import (
    CallArrived,
    CallEnded,
    CallResumed,
    CallTransferred,
    HoldEnded,
    HoldStarted,
    OutboundHalfUsed,
    OutboundRefused,
    TransferEnded,
)
from routing.domain.events.envelope import Event
from routing.domain.identifiers import Ids
from routing.domain.messages import (
    CustomerNotReached,
    OfferAccepted,
    OfferRinging,
    PhoneReported,
    ServerAlive,
    ServerLeft,
    TalkReported,
)
from routing.domain.model import BreakLimit, Contact, Directory, Overflow, QueuePolicy
from routing.domain.phone_address import SipAccount, phone_text
from routing.read_model.view import ANY_AGENT, View
from routing.store.event_codec import event_from, event_text
from routing.store.memory import MemoryStore
from server.calls.open_calls import LiveCall
from server.events.flow_events import FlowEvents
from server.events.writer import EventLog
from server.http import answers
from tests.routing_house import START_MS, House, SetClock, arrival, directory, person

FOLDER = Path(__file__).resolve().parent / "recorded"
LOG, PICTURE = FOLDER / "log.jsonl", FOLDER / "picture.json"
SUPPORT = QueuePolicy(
    "support",
    max_wait_ms=60_000,
    dispositions={"1": "solved"},
    overflow=(Overflow("sales", waiting=4),),
    wrap_up_ms=20_000,
)
SITE: Directory = replace(
    directory(
        person("anna", billing=3),
        person("li", billing=2),
        person("wang"),
        replace(person("zoe"), capacity={CALLBACK: 1, CHAT: 3, TASK: 1}),
        queues=(SUPPORT, QueuePolicy("sales", priority=30, dispositions={"1": "solved"}), QueuePolicy("night", hours="never")),
    ),
    breaks={"lunch": BreakLimit(longest_ms=60_000)},
)
AFTER: Directory = replace(
    SITE,
    queues={**SITE.queues, "sales": replace(SITE.queues["sales"], priority=60)},
    agents={id: profile for id, profile in SITE.agents.items() if id != "wang"},
)
FLOW = """
flow: main
start: menu
nodes:
  menu:
    type: menu
    prompt: {en: One for your account.}
    options: {"1": account}
    failure: bye
  account: {type: collect, prompt: {en: Your number.}, save: number, min_length: 4, max_length: 4, sensitive: true, failure: bye, next: ask}
  ask: {type: lookup, url: "http://shop/{number}", save: {name: name}, found: queue, not_found: bye, failed: bye}
  queue: {type: queue, queue: support, answered: broken, otherwise: broken}
  broken: {type: transfer, to: "1000", otherwise: bye}
  bye: {type: hangup}
"""


def board() -> House:
    """What the router tells."""
    made = House(SITE)
    made.say(ServerAlive("node", "10.0.0.1:4573"), ServerAlive("other", "10.0.0.2:4573"))
    made.wait(2_500)
    made.start_work("anna", "li", "wang")
    made.say(PhoneReported(SipAccount("desk"), "available"))
    made.ask("li", "log_out")
    made.ask("li", "log_in", phone="desk")
    made.ask("anna", "log_in", phone="phone-li")
    _offers(made)
    _waits(made)
    _work(made)
    _kinds(made)
    _servers(made)
    return made


def _offers(made: House) -> None:
    """One contact is refused in every way, and answered in the end."""
    made.call("c1", "billing", ani="+4930123456", language="de", data={"account": "12345678"})
    made.say(OfferRinging("c1", made.offer_of("c1")))
    for outcome in ("declined", "busy", "rang_out", "unreachable", "failed"):
        made.wait(3_000)
        made.refuse("c1", outcome)
        for agent in SITE.agents:
            made.ask(agent, "resume")
        if outcome == "busy":  # all have refused: until the first refusal is forgotten
            made.wait(16_000)
    made.change("c1", "prioritise", priority=600)
    made.wait(16_000)
    made.call("c2")
    made.wait(1_000)
    made.answer("c2")
    made.call("c3")
    made.ask(made.ringing("c3"), "pause", "lunch")
    made.answer("c3")


def _waits(made: House) -> None:
    """Contacts leave without an agent, and go elsewhere."""
    for agent in SITE.agents:
        made.ask(agent, "pause", "lunch")
    made.call("night", queue="night")
    made.call("alone", preferred=["anna"])
    made.ask("wang", "resume")
    for number in range(6):
        made.call(f"w{number}", "billing >= 5", steps=[(0, "billing >= 5"), (90_000, "")])
    made.leave("w0")
    made.leave("w1", "exit_key")
    made.change("alone", "move", queue="sales")
    made.say(replace(arrival("w3", "call-w3", "other", "support", [(0, "")], made.now), back=True))
    made.say(replace(arrival("lost", "call-lost", "node", "support", [(0, "")], made.now), again=True))
    made.wait(70_000)


def _work(made: House) -> None:
    """Agents go through all that an agent can."""
    for agent in SITE.agents:
        made.ask(agent, "resume")
    made.ask("li", "leave_queue", queue="support")
    made.call("long", queue="sales")
    made.answer("long")
    talker = next(id for id, agent in made.board.agents.items() if agent.contact == "long")
    made.ask(talker, "pause", "lunch")
    made.wait(30_000)
    made.finish("long")
    made.ask(talker, "extend_wrap_up")
    made.ask(talker, "dispose", disposition="1")
    made.call("served", preferred=["anna"])
    made.ask("anna", "log_out")
    made.wait(90_000)


def _kinds(made: House) -> None:
    """Contacts that nobody called for: callbacks, chats, and one that no server can carry out."""

    def arrive(contact: str, kind: str, **more: Any) -> None:
        made.say(arrival(contact, "", "", "support", [(0, "")], made.now, kind=kind, **more))

    made.say(ServerAlive("other", "10.0.0.2:4573", "", [CALLBACK, CHAT, TASK], ["north"]))
    made.start_work("zoe")
    arrive("back", CALLBACK, due_ms=made.now + 1_000)
    made.wait(1_500)
    made.say(OfferAccepted("back", made.offer_of("back")))
    made.say(CustomerNotReached("back", made.offer_of("back"), "busy", made.now + 600_000))
    arrive("chat", CHAT)
    made.answer("chat")
    arrive("another", CHAT)
    made.refuse("another")
    made.leave("another", "withdrawn")
    arrive("south", CALLBACK, trunk="south")


def _servers(made: House) -> None:
    """One server is lost and comes back, another one ends; the site changes."""
    made.say(TalkReported("found", "node", "support", "offer-x", "li", made.now - 60_000, made.now - 30_000, ContactFacts("call-found")))
    made.wait(5_000)
    made.say(ServerAlive("other", "10.0.0.2:4573"))
    made.wait(1_000)
    made.say(ServerLeft("other"))
    made.call("last", "billing >= 5", queue="sales")
    made.redefine(AFTER)
    for contact in [id for id, found in made.board.contacts.items() if found.agent == "wang"]:
        made.finish(contact)
    made.wait(1_000)


class Phone(ScriptedPhone):
    """Whoever dials finds the line dead."""

    async def dial(self, target: str, timeout_ms: int) -> DialOutcome:
        raise RuntimeError("the trunk is gone")


async def calls(log: EventLog) -> None:
    """What a server tells of calls: one goes through a flow to its end, one is transferred, one is still in its flow."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "main.yaml"
        path.write_text(FLOW)
        facts = SiteFacts(queues=("support",), hours=(), languages=("en",), skills=(), transfer_allowed=lambda number: True)
        flows = load_files([path], facts)
    first, second, third = (_call(number) for number in (1, 2, 3))
    lookup = ScriptedLookup({"shop": LookupReply(200, {"name": "Lee"})})
    for call in (first, second, third):
        call.write(log, CallArrived, "node")
        phone = Phone(["1", "1", "2", "3", "4"]) if call is first else Phone([""] * 9)
        events = FlowEvents(log, call.id, call.enter)
        await Interpreter(flows, phone, ScriptedQueues(), lookup, events, VirtualClock()).run(call.context, "main")
    log.write(HoldStarted("1001"), call=first.id)
    log.write(HoldEnded("1001"), call=first.id)
    first.write_end(log, CallEnded("caller", 90_000, "in_flow", reason="no_audio_from_caller"))
    second.write(log, CallTransferred, "node", agent="anna")
    log.write(TransferEnded("1002", "busy"), call=second.id)
    log.write(OutboundRefused("+881*********5678", "satellite", "", "flow billing", "carrier"), call=second.id)
    log.write(OutboundHalfUsed("per_day", "site", 2500, 5000), call=second.id)
    second.write(log, CallResumed, "other")
    await log.flush()


def _call(number: int) -> LiveCall:
    context = CallContext(f"call-179.{number}", "+8613800138000", "4000", "en")
    return LiveCall(context.id, normalise("13800138000", "CN"), "4000", START_MS, context, channel=f"PJSIP/trunk-{number}")


async def recorded() -> tuple[list[Event], House]:
    """The log, and the board at its end."""
    store, made = MemoryStore(), board()
    log = EventLog(store, Ids("recorded"), SetClock(START_MS), server="node")
    running = asyncio.create_task(log.run())
    try:
        await calls(log)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return [*(event for _, event in await store.events("0", block_ms=0, limit=10_000)), *made.events], made


def picture(events: Iterable[Event]) -> dict[str, Any]:
    """What a server shows that has followed these events, a second after the last one."""
    view, now_ms = View(CurrentDirectory(AFTER)), START_MS
    for event in events:
        view.apply(event)
        now_ms = max(now_ms, event.at_ms + 1_000)
    queues = list(view.directory.queues)
    shown = {
        "waiting": {queue: [contact.id for contact in view.waiting(queue)] for queue in queues},
        "contacts": {id: _plain(contact) for id, contact in sorted(view.contacts.items())},
        "agents": {id: _plain(agent) for id, agent in sorted(view.agents.items())},
        "calls": answers.calls(view, now_ms),
        "totals": view.totals,
        "service_levels": {queue: view.service_levels(queue, now_ms) for queue in queues},
        "expected_wait_ms": {queue: view.expected_wait_ms(queue, ANY_AGENT, now_ms) for queue in queues},
    }
    return dict(json.loads(json.dumps(shown)))


def _plain(record: Contact | Agent) -> dict[str, Any]:
    """Without what only the router knows."""
    hidden = ("rev", "put_off", "refused_until_ms", "overflowed", "alone_ms")
    phones = {"phone": phone_text(record.phone), "desk_phone": phone_text(record.desk_phone)} if isinstance(record, Agent) else {}
    return {"state": record.state, **{name: value for name, value in asdict(record).items() if name not in hidden}, **phones}


def events_in(log: str) -> list[Event]:
    """The events of a log as it is recorded, a line each."""
    return [event_from(line) for line in log.splitlines()]


async def main() -> None:
    events, made = await recorded()
    found = picture(events)
    known = {id: (contact.state, contact.agent) for id, contact in made.board.contacts.items()}
    assert {id: (contact["state"], contact["agent"]) for id, contact in found["contacts"].items()} == known
    assert {id: agent["state"] for id, agent in found["agents"].items()} == {id: agent.state for id, agent in made.board.agents.items()}
    FOLDER.mkdir(exist_ok=True)
    LOG.write_text("".join(f"{event_text(event)}\n" for event in events), encoding="utf-8")
    PICTURE.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
