"""What is announced to waiting callers: their place among those who compete for the same agents, and the wait to expect.

Part of the read model: `View` keeps contacts and agents by the event log and hands each event on. Who waits stands in one sorted list for
each `WaitingClass`. Sets of agents are bits of one number each, so that what classes share is an AND and a count. A question costs as much
as there are classes in which somebody waits, however many do.
"""

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial

from routing.domain.agent import Agent
from routing.domain.agent_state import AgentState
from routing.domain.contact_facts import ContactFacts
from routing.domain.contact_state import ContactState
from routing.domain.current_directory import CurrentDirectory
from routing.domain.events.envelope import Event
from routing.domain.identifiers import asterisk_of
from routing.domain.model import Contact, Directory, WaitForecast
from routing.domain.phone_address import ExternalNumber
from routing.domain.requirement import parse
from routing.read_model.estimate import Rival, expected_ms
from routing.read_model.measures import Measures
from routing.read_model.waiting_class import Place, Steps, WaitingClass, step_after

LAST = "\uffff"  # behind every contact of that moment
RECENT = 2_000  # events kept until the past is known
NOBODY = ContactFacts("")  # what is known of somebody who might join
BUSY = (AgentState.RESERVED, AgentState.ON_CONTACT, AgentState.WRAP_UP)


class WaitForecasts:
    """Fed by View; answers `wait_forecast` and `expected_wait_ms`. `handling_ms` is assumed until something was measured; None: nothing."""

    def __init__(self, current: CurrentDirectory, handling_ms: float | None = None) -> None:
        self._current = current
        self._suited: dict[str, int] = {}  # requirement -> who meets it, of all
        self._measures = Measures(self._directory.queues, handling_ms)
        self._recent: deque[tuple[Event, bool]] | None = deque(maxlen=RECENT)
        self.start({}, {})

    def start(self, contacts: Mapping[str, Contact], agents: Mapping[str, Agent]) -> None:
        """Begin from what is so now; what was measured stays."""
        self._measures.start()
        self.redefine(contacts, agents)

    def redefine(self, contacts: Mapping[str, Contact], agents: Mapping[str, Agent]) -> None:
        """The directory is another one; these are what it leaves of what is so now."""
        self._bit = {agent: 1 << at for at, agent in enumerate(self._directory.agents)}
        self._suited.clear()
        self._measures.know(self._directory.queues)
        self._contacts, self._agents = contacts, agents
        self._classes: dict[tuple[str, Steps, str], WaitingClass] = {}
        self._places: dict[str, tuple[WaitingClass, Place, bool]] = {}  # contact -> class, place, whether a phone rings
        self._staffed = self._ready = self._outside = 0
        self._phones_at: dict[str, int] = {}  # Asterisk -> agents whose phones it sees
        self._members = dict.fromkeys(self._directory.queues, 0)
        self._busy = dict.fromkeys(self._directory.queues, 0)
        for agent in agents:
            self._follow_agent(agent)
        for contact in contacts:
            self._follow_contact(contact)

    def apply(self, event: Event) -> None:
        """Take an event that the view has taken."""
        gave_up = event.contact in self._places and event.contact not in self._contacts
        self._measures.take(event, gave_up)
        if self._recent is not None:
            self._recent.append((event, gave_up))
        if event.agent in self._bit:
            self._follow_agent(event.agent)
        if event.contact:
            self._follow_contact(event.contact)

    def remember(self, measures: Measures) -> None:
        """Go on from what was measured before `start`: what came since is measured after it."""
        for event, gave_up in self._recent or ():
            measures.take(event, gave_up)
        measures.know(self._directory.queues)
        self._measures, self._recent = measures, None

    @property
    def _directory(self) -> Directory:
        return self._current.directory

    # -- answers -----------------------------------------------------------------------------------------------------------

    def wait_forecast(self, contact: Contact, now_ms: int) -> WaitForecast:
        """The place and wait that may be announced to this contact."""
        place = self._places.get(contact.id)
        if not place:
            return WaitForecast()
        one, here, offered = place
        mine = self._mask(one.queue, one.steps[contact.step(now_ms)][1], one.asterisk)
        gain, position = self._gain(one.queue), 1
        for other in self._classes.values():
            if self._mask(other.queue, other.text(now_ms), other.asterisk) & mine:
                position += other.ahead(_as_far(now_ms, here, gain, self._gain(other.queue)))
        if offered:
            return WaitForecast(position, 0)
        return WaitForecast(position, self._expect(one.queue, one.steps, one.asterisk, here, now_ms - contact.enqueued_at_ms, now_ms))

    def expected_wait_ms(
        self, queue: str, steps: list[tuple[int, str]] | Steps, now_ms: int, priority: int = 0, *, asterisk: str | None = None
    ) -> int | None:
        """The wait to expect for somebody who would join now with these steps; None when unknown. `priority` in seconds, all of it.

        `asterisk` has the call: agents count whose phones it can ring. None: all count.
        """
        if queue not in self._directory.queues:
            return None
        joining = Contact("", "", queue, list(steps), now_ms, NOBODY, priority, ageing=self._directory.ageing_in(queue))
        return self._expect(queue, tuple(steps), asterisk, (joining.order_ms, LAST), 0, now_ms)

    def _expect(self, queue: str, steps: Steps, asterisk: str | None, here: Place, waited_ms: int, now_ms: int) -> int | None:
        """Step by step: what is left of the wait when the requirement relaxes is as long as the wait under the wider one, in proportion."""
        spent, left = 0.0, 1.0
        for at in range(step_after(steps, waited_ms), len(steps)):
            expected = self._expect_step(queue, self._mask(queue, steps[at][1], asterisk) & self._staffed, here, now_ms)
            until = steps[at + 1][0] - waited_ms - spent if at + 1 < len(steps) else float("inf")
            if expected is not None and expected * left <= until:
                return round(spent + expected * left)
            if until == float("inf"):
                return None
            left -= until / expected if expected else 0.0
            spent += until
        return None

    def _expect_step(self, queue: str, mine: int, here: Place, now_ms: int) -> float | None:
        """The wait if the requirement stays as it is; `mine` are the agents at work who meet it."""
        if not mine:
            return None
        rivals, others = self._rivals(queue, mine, here, now_ms)
        if (mine & self._ready).bit_count() > sum(rival.ahead(0.0) * rival.shared / (rival.shared + rival.own) for rival in rivals):
            return 0.0
        rate = self._rate(mine, queue)
        if not rate:
            return None
        others_rate = (others & ~mine).bit_count() * rate / mine.bit_count()
        return expected_ms(rivals, rate, self._measures.leaving(queue), others_rate) + self._measures.ring_ms(queue)

    def _rivals(self, queue: str, mine: int, here: Place, now_ms: int) -> tuple[list[Rival], int]:
        """Who competes for my agents, and all the agents whom they have."""
        gain, found, others = self._gain(queue), list[Rival](), 0
        paces = {name: self._pace(name) for name in self._members}
        for one in self._classes.values():
            theirs = self._mask(one.queue, one.text(now_ms), one.asterisk) & self._staffed
            both, pace, other = theirs & mine, paces[one.queue], self._gain(one.queue)
            first = one.waiting(here) if gain == other else 1
            if both and pace and first:
                others |= theirs
                found.append(_rival(_crowd(one, first, partial(_as_far, now_ms, here, gain, other)), both, theirs, pace))
        for name, members in self._members.items():
            other, theirs, pace = self._gain(name), members & self._staffed, paces[name]
            if other > gain and pace and theirs & mine:  # those who will come after me and be taken before me
                others |= theirs
                coming = _coming(self._measures.arriving(name, now_ms), now_ms, partial(_as_far, now_ms, here, gain, other))
                found.append(_rival(coming, theirs & mine, theirs, pace))
        return found, others

    def _pace(self, queue: str) -> float:
        """How many contacts one of the queue's agents finishes per ms; 0 when nothing was ever measured."""
        members = self._members[queue] & self._staffed
        return self._rate(members, queue) / members.bit_count() if members else 0.0

    def _rate(self, agents: int, queue: str) -> float:
        """How many contacts these agents finish per ms; each counts with the handling time of the queue that it is busy with."""
        total, rest = 0.0, agents.bit_count()
        for name, busy in self._busy.items():
            some = (busy & agents).bit_count()
            handling_ms = self._measures.handling_ms(name) if some else None
            if handling_ms:
                total, rest = total + some / handling_ms, rest - some
        handling_ms = self._measures.handling_ms(queue)
        return total + rest / handling_ms if handling_ms else total

    def _gain(self, queue: str) -> float:
        """What a millisecond of waiting is worth when an agent has contacts of several queues to choose from (matching.py)."""
        policy, choice = self._directory.queues[queue], self._directory.choice
        worth = (self._directory.ageing_in(queue) or 1.0) * (1.0 if choice == "strict" else policy.weight)
        return worth / max(1, policy.threshold_ms) if choice == "at_risk" else worth

    def _mask(self, queue: str, text: str, asterisk: str | None) -> int:
        """The members of the queue who meet a requirement, and whose phones that Asterisk can ring (None: wherever they are)."""
        within_reach = -1 if asterisk is None else self._phones_at.get(asterisk, 0) | self._outside
        suited = self._suited.get(text)
        if suited is None:
            if len(self._suited) >= 2_000:
                self._suited.clear()
            suited = self._suited[text] = self._suits(text)
        return suited & self._members[queue] & within_reach

    def _suits(self, text: str) -> int:
        """Agents who are alike in what is asked are tested once."""
        requirement, profiles, bits = parse(text), self._directory.agents, bytearray(len(self._bit) // 8 + 1)
        skills, attributes, named = tuple(requirement.skills), tuple(requirement.attributes), requirement.agents
        tested: dict[tuple[object, ...], bool] = {}
        for at, (id, profile) in enumerate(profiles.items()):
            alike = (*map(profile.skills.get, skills), *map(profile.attributes.get, attributes), id if id in named else "")
            suits = tested.get(alike)
            if suits is None:
                suits = tested[alike] = requirement.suits(profile.skills, id, profile.attributes)
            if suits:
                bits[at >> 3] |= 1 << (at & 7)
        return int.from_bytes(bits, "little")

    # -- what is so --------------------------------------------------------------------------------------------------------

    def _follow_agent(self, id: str) -> None:
        agent, bit, profile = self._agents[id], self._bit[id], self._directory.agents[id]
        staffed = agent.state not in (AgentState.LOGGED_OUT, AgentState.PAUSED) and agent.phone_state != "unavailable"
        self._staffed = _with(self._staffed, bit, staffed)
        self._ready = _with(self._ready, bit, agent.state == AgentState.READY and agent.phone_state == "available")
        self._outside = _with(self._outside, bit, isinstance(agent.phone, ExternalNumber))  # any Asterisk can ring it
        for asterisk in {*self._phones_at, agent.phone_at}:
            self._phones_at[asterisk] = _with(self._phones_at.get(asterisk, 0), bit, asterisk == agent.phone_at)
        for queue in profile.queues:
            if queue in self._members:
                self._members[queue] = _with(self._members[queue], bit, queue not in agent.left_queues)
                self._busy[queue] = _with(self._busy[queue], bit, agent.state in BUSY and agent.queue == queue)

    def _follow_contact(self, id: str) -> None:
        known = self._contacts.get(id)
        contact = known if known and known.state in (ContactState.WAITING, ContactState.OFFERED) and known.steps else None
        queue_known = contact is not None and contact.queue in self._members
        before = self._places.pop(id, None)
        if before:
            one, place, offered = before
            one.take_out(place)
            if not one.all:
                del self._classes[one.queue, one.steps, one.asterisk]
        if contact and queue_known:
            key = contact.queue, tuple((after_ms, text) for after_ms, text in contact.steps), asterisk_of(contact.facts.call)
            if key not in self._classes:
                self._classes[key] = WaitingClass(*key)
                for _, text in contact.steps:
                    self._mask(contact.queue, text, key[2])  # found now, for whom somebody may ask soon
            one = self._classes[key]
            offered, place = contact.state == ContactState.OFFERED, (contact.order_ms, id)
            one.put_in(place, offered=offered)
            self._places[id] = one, place, offered


def _rival(ahead: Callable[[float], float], both: int, theirs: int, pace: float) -> Rival:
    shared = both.bit_count()
    return Rival(ahead, shared * pace, (theirs.bit_count() - shared) * pace)


def _crowd(one: WaitingClass, first: int, far: Callable[[float], Place]) -> Callable[[float], float]:
    """How many of a class are ahead of me after a wait; where waiting is worth the same that does not change."""
    if far(0.0) == far(1.0):
        return lambda wait: first
    return lambda wait: one.waiting(far(wait))


def _coming(per_ms: float, now_ms: int, far: Callable[[float], Place]) -> Callable[[float], float]:
    """How many of those who come from now on will be further than me after a wait."""
    return lambda wait: per_ms * max(0.0, far(wait)[0] - now_ms)


def _as_far(now_ms: int, here: Place, gain: float, other: float, more_ms: float = 0.0) -> Place:
    """The place in a queue where waiting is worth `other` that is as far as mine, when both have waited `more_ms` longer."""
    if gain == other:
        return here
    return now_ms + more_ms - (now_ms - here[0] + more_ms) * gain / other, ""


def _with(agents: int, bit: int, there: bool) -> int:
    return agents | bit if there else agents & ~bit
