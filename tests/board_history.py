"""Random histories of a small call centre that has a bit of everything, and what must hold on its board after any of them."""

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from routing.board.redefinition import ChangeRefused
from routing.domain.agent import Agent
from routing.domain.agent_state import TRANSITIONS, AgentState
from routing.domain.contact_state import ContactState
from routing.domain.events.agents import AgentChanged
from routing.domain.events.contacts import ContactLeft
from routing.domain.members import AWAY, serves, tier_of
from routing.domain.messages import OfferAnswered, OfferEnded, OfferRinging, PhoneReported, TalkEnded
from routing.domain.model import UNTIL_DONE, Contact, Directory, Membership, Overflow, QueuePolicy
from routing.domain.orders import OfferOrder
from routing.domain.outcomes import OfferOutcome
from routing.domain.phone_address import phone_of
from routing.domain.requirement import parse
from tests.routing_house import House, directory, own_phone, person

SITE = directory(
    replace(person("anna", billing=5, lang_zh=4), memberships={"sales": Membership(tier=2, weight=2.0)}),
    replace(person("li", billing=2, lang_en=3), memberships={"sales": Membership(tier=3)}),
    person("wang", ("support",), lang_zh=5, lang_en=5),
    person("zoe", ("vip",), billing=1),
    queues=(
        QueuePolicy("support", max_wait_ms=60_007, refusal_ms=5_003, wrap_up_ms=3_001, max_waiting=6),
        QueuePolicy(
            "vip",
            max_wait_ms=30_011,
            refusal_ms=0,
            wrap_up_ms=0,
            threshold_ms=7_013,
            weight=2.0,
            pause_after={"unreachable": 1},
            join_when="staffed",
            stay_when="ready",
            stay_grace_ms=6_029,
        ),
        QueuePolicy(
            "sales",
            strategy="least_occupied",
            tier_delays_ms=(0, 2_003, 9_001),
            ageing=0.5,
            max_wait_ms=45_013,
            wrap_up_ms=UNTIL_DONE,
            stay_when="eligible",
            stay_grace_ms=4_007,
            overflow=(Overflow("everybody", waited_ms=12_007), Overflow("everybody", waiting=3)),
            keep_place_ms=20_011,
            last_agent_ms=50_021,
            preferred_ms=3_011,
        ),
        QueuePolicy("everybody", strategy="ring_all", ring_more_ms=2_017, max_wait_ms=70_003, wrap_up_ms=1_009),
        QueuePolicy("onebyone", strategy="ring_progressively", ring_more_ms=1_013, max_wait_ms=70_003, pause_after={"declined": 2}),
    ),
)
PEOPLE, QUEUES = tuple(SITE.agents), tuple(SITE.queues)
ANNA, LI, WANG, ZOE = SITE.agents.values()
SUPPORT, VIP, SALES, EVERYBODY, ONEBYONE = SITE.queues.values()
# What the site may become: other people, phones, skills, queues, strategies, limits, priorities.
SITES = (
    SITE,
    directory(ANNA, LI, WANG, person("kim", ("vip", "sales"), billing=4), queues=(SUPPORT, VIP, SALES, EVERYBODY, ONEBYONE)),
    directory(
        replace(ANNA, phone=phone_of("phone-li"), memberships={}),
        replace(LI, phone=phone_of("phone-anna"), skills={"lang_zh": 5}, queues=("support", "sales")),
        replace(WANG, phone=phone_of("phone-zoe")),
        queues=(
            replace(SUPPORT, strategy="ring_all", ring_more_ms=1_511),
            replace(VIP, stay_when="eligible", priority=20),
            SALES,
            EVERYBODY,
        ),
    ),
    directory(
        replace(WANG, queues=("support", "vip"), phone=phone_of("desk-1")),
        replace(ZOE, phone=phone_of("+861234"), queues=("support", "onebyone")),
        queues=(replace(SUPPORT, tier_delays_ms=(0, 3_001), ageing=0.25), replace(VIP, max_wait_ms=9_001), replace(ONEBYONE, wrap_up_ms=0)),
    ),
    replace(directory(ANNA, queues=(replace(SUPPORT, stay_when="ready", stay_grace_ms=2_011, accept=True),)), choice="strict"),
)
STEPS = (
    [(0, "")],
    [(0, "billing >= 3")],
    [(0, "lang_zh and billing"), (7_001, "lang_zh"), (20_017, "")],
    [(0, "@zoe"), (4_019, "lang_en or billing")],
    [(0, "no_such_skill")],
)
REFUSALS: tuple[OfferOutcome, ...] = ("declined", "busy", "rang_out", "unreachable", "failed")
OUTCOMES = {"contact_abandoned", "contact_timed_out", "contact_left", "contact_ended"}
WORDS = (
    "call", "call", "call", "leave", "answer", "answer", "refuse", "finish", "finish", "ringing", "wait", "wait",
    "log_in", "log_in", "log_out", "pause", "resume", "end_wrap_up", "phone", "phone", "phone", "stale", "answer", "refuse",
    "prioritise", "move", "withdraw", "join_queue", "leave_queue", "end_wrap_up", "extend_wrap_up",
)  # fmt: skip
history = st.lists(st.tuples(st.sampled_from(WORDS), st.integers(0, 11), st.integers(0, 11)), min_size=10, max_size=70)
at_desks = st.lists(st.tuples(st.sampled_from((*WORDS, "sit", "sit")), st.integers(0, 11), st.integers(0, 11)), min_size=10, max_size=70)
changing = st.lists(
    st.tuples(st.sampled_from((*WORDS, "sit", "sit", "redefine", "redefine", "redefine")), st.integers(0, 11), st.integers(0, 11)),
    min_size=10,
    max_size=70,
)


def play(made: House, move: tuple[str, int, int], number: int) -> None:
    """Do one move; what does not apply now is left out. Each takes a millisecond, so that no two things happen at once."""
    word, a, b = move
    made.wait(1)
    contacts = list(made.board.contacts)
    contact = contacts[a % len(contacts)] if contacts else "ghost"
    offer = made.offer_of(contact)
    if word == "call":
        more: dict[str, Any] = {
            "ani": ("", "+861", "+862")[a % 3],
            "exclude": ["anna"] if b == 9 else [],
            "preferred": [["li"], ["li", "zoe", "anna"]][a % 2] if b >= 7 else [],
        }
        made.call(f"c{number}", queue=QUEUES[b % 5], steps=list(STEPS[a % len(STEPS)]), priority=(0, 0, 0, 5)[b % 4], **more)
    elif word == "leave":
        made.leave(contact, ("abandoned", "exit_key")[b % 2])
    elif word == "wait":
        made.wait((50, 900, 3_000, 11_000, 31_000)[a % 5] + b)
    elif word in ("phone", "sit", "redefine"):
        change_surroundings(made, word, a, b)
    elif word == "stale":
        made.say(OfferAnswered(contact, "offer-0"), TalkEnded(contact, "offer-0", "agent", 1), OfferEnded("ghost", offer, "busy"))
    elif word == "ringing":
        made.say(OfferRinging(contact, offer))
    elif word in ("answer", "refuse"):
        offers = list(made.board.contacts[contact].offers) if contact in made.board.contacts else [""]
        offer = offers[b % len(offers)] if offers else ""
        made.say(OfferAnswered(contact, offer) if word == "answer" else OfferEnded(contact, offer, REFUSALS[b % 5]))
    elif word in ("prioritise", "move", "withdraw"):
        made.change(contact, word, priority=10 * b, queue=QUEUES[b % 5])
    elif word in ("join_queue", "leave_queue"):
        made.ask(PEOPLE[a % 4], word, queue=QUEUES[b % 5])
    elif word == "finish" and contact in made.board.contacts and made.board.contacts[contact].state == ContactState.CONNECTED:
        made.finish(contact)
    elif word in ("log_in", "log_out", "pause", "resume", "end_wrap_up", "extend_wrap_up"):
        made.ask(PEOPLE[a % 4], word)


def change_surroundings(made: House, word: str, a: int, b: int) -> None:
    if word == "redefine":
        change_site(made, SITES[a % 5], to=("support", "")[b % 3 // 2])
    else:
        use_phones(made, word, a, b)


def use_phones(made: House, word: str, a: int, b: int) -> None:
    """A phone changes its state, or somebody sits down at one: the own, another's, one without an owner, an external number."""
    phones = [own_phone(SITE.agents[agent]) for agent in PEOPLE]
    if word == "phone":
        made.say(PhoneReported(phones[a % 4], ("available", "busy", "available", "unavailable")[b % 4]))
    else:
        made.say(PhoneReported(phone_of("desk-1"), ("available", "unavailable")[a // 4 % 2]))
        made.ask(PEOPLE[a % 4], "log_in", phone=(*phones, "desk-1", "+861234")[b % 6])


def change_site(made: House, site: Directory, to: str) -> None:
    """The site becomes another one. Who waits in a queue that is gone moves; where nobody says whereto, the change is refused."""
    gone = {queue: to for queue in made.site.queues if queue not in site.queues and to}
    in_the_way = {c.queue for c in made.board.contacts.values() if c.state != ContactState.CONNECTED} - site.queues.keys() - gone.keys()
    before = made.site
    try:
        made.redefine(site, **gone)
    except ChangeRefused:
        assert in_the_way
        assert (made.site, made.board.site) == (before, before)
    else:
        assert not in_the_way


def opened() -> House:
    made = House(SITE)
    for agent in PEOPLE:
        made.wait(1)
        made.start_work(agent)
    return made


def check_booking(made: House) -> None:
    """Every agent is held by at most one contact, both sides agree about it, and no record stands still in a state it has left."""
    offers = [(agent, contact.id, offer) for contact in made.board.contacts.values() for offer, agent in contact.offers.items()]
    assert max(Counter(agent for agent, _, _ in offers).values(), default=0) <= 1
    held = {AgentState.RESERVED, AgentState.ON_CONTACT}
    assert sorted(offers) == sorted((a.id, a.contact, a.offer) for a in made.board.agents.values() if a.state in held)
    for contact in made.board.contacts.values():
        states = {made.board.agents[agent].state for agent in contact.offers.values()}
        expected = {
            ContactState.WAITING: set(),
            ContactState.OFFERED: {AgentState.RESERVED},
            ContactState.CONNECTED: {AgentState.ON_CONTACT},
        }
        assert states == expected[contact.state]


def could_serve(site: Directory, agent: Agent, contact: Contact, now_ms: int) -> bool:
    profile = site.agents.get(agent.id)
    if not profile:
        return False
    free = agent.state == AgentState.READY and agent.phone_state == "available" and serves(agent, profile, contact.queue)
    suits = parse(contact.steps[contact.step(now_ms)][1]).suits(profile.skills, profile.id)
    return free and suits and contact.refused_until_ms.get(agent.id, 0) <= now_ms


def is_asked_by_now(made: House, agent: Agent, contact: Contact) -> bool:
    """Whether the contact has waited for the agent's tier, or nobody of the tiers before it is at work."""
    site, policy = made.site, made.site.queues[contact.queue]
    if parse(contact.steps[contact.step(made.now)][1]).alone:
        return True
    at_work = {
        tier_of(site.agents[other.id], policy)
        for other in made.board.agents.values()
        if other.id in site.agents and other.state not in AWAY and serves(other, site.agents[other.id], contact.queue)
    }
    tier = tier_of(site.agents[agent.id], policy)
    reached = max(at for at, delay_ms in enumerate(policy.tier_delays_ms, 1) if at == 1 or delay_ms <= made.now - contact.enqueued_at_ms)
    while reached < len(policy.tier_delays_ms) and not any(other <= reached for other in at_work):
        reached += 1
    return tier <= reached


def check_nobody_waits_in_vain(made: House) -> None:
    """No caller waits beside a free agent who could serve."""
    for contact in made.board.contacts.values():
        if contact.state == ContactState.WAITING:
            able = [agent for agent in made.board.agents.values() if could_serve(made.site, agent, contact, made.now)]
            assert not [agent.id for agent in able if is_asked_by_now(made, agent, contact)]


def check_conservation(made: House) -> None:
    """Each contact that joined is on the board, or has exactly one outcome."""
    joined = {event.contact for event in made.told("contact_queued")}
    outcomes = Counter(event.contact for event in made.told(*OUTCOMES))
    assert all(count == 1 for count in outcomes.values())
    assert joined - outcomes.keys() == set(made.board.contacts)
    assert outcomes.keys() - joined == _never_let_in(made) - joined


def _never_let_in(made: House) -> set[str]:
    return {e.contact for e in made.events if isinstance(e.data, ContactLeft) and e.data.outcome in ("full", "no_agents")}


def check_counts(made: House) -> None:
    """The number in a queue is that of its contacts who wait or are offered."""
    waiting = Counter(c.queue for c in made.board.contacts.values() if c.state != ContactState.CONNECTED)
    assert made.board.in_queue == {queue: waiting[queue] for queue in made.board.directory.queues}
    assert waiting.keys() <= made.site.queues.keys()


def check_phones(made: House) -> None:
    """Every phone has one agent, who has it."""
    assert made.board.phones == {agent.phone: agent.id for agent in made.board.agents.values() if agent.phone}
    assert len(made.board.phones) == sum(bool(agent.phone) for agent in made.board.agents.values())


def check_staff(made: House) -> None:
    """On the board is everybody of the site's and nobody else, but for those who still have a call; and each one is at the phone that the
    site says, but for desks that are shared and, again, calls."""
    site, held = made.site, {AgentState.RESERVED, AgentState.ON_CONTACT}
    known = {agent.id: agent for agent in made.board.agents.values() if agent.id in site.agents or agent.state not in held}
    assert known.keys() == site.agents.keys()
    free = [agent for agent in known.values() if agent.state not in held]
    assert all(agent.phone in (None, agent.desk_phone or site.agents[agent.id].phone) for agent in free)


def check_order(made: House, orders_before: int) -> None:
    """Whoever was just offered had the lowest place of the class, but for those whom that agent may not take."""
    for _, order in made.orders[orders_before:]:
        taken = made.board.contacts.get(order.contact) if isinstance(order, OfferOrder) else None
        assert not taken or taken.refused_until_ms.get(order.agent, 0) <= made.now, "offered again too early"
        for other in made.board.contacts.values():
            if taken and other.state == ContactState.WAITING and wants(made.site, other, made.now) == wants(made.site, taken, made.now):
                refused = other.refused_until_ms.get(order.agent, 0) > made.now
                assert refused or other.order_ms >= taken.order_ms, f"{taken.id} was served before {other.id}"


def wants(site: Directory, contact: Contact, now_ms: int) -> tuple[str, str, int]:
    """Its class: the queue, the requirement in force, and the tiers that are asked by now."""
    waited_ms = now_ms - contact.enqueued_at_ms
    tiers = sum(delay_ms <= waited_ms for delay_ms in site.queues[contact.queue].tier_delays_ms)
    return contact.queue, parse(contact.steps[contact.step(now_ms)][1]).text, tiers


def check_agents_moved_by_the_table(made: House) -> None:
    """Each event of an agent tells a move that the table has."""
    for changed in made.facts(AgentChanged):
        if changed.before is not None:
            assert changed.state in TRANSITIONS[changed.before].values()
