"""The questions of routing as docs/routing.md answers them, asked anew each time of plain records: the slow half of the oracle.

Nothing is kept in order, counted along or planned ahead. Every rule quotes the sentence that it comes from. Times are milliseconds.
"""

import re
from dataclasses import dataclass, field
from functools import cache

from routing.domain.model import AgentProfile, Directory, Overflow, QueuePolicy

FAR = 1 << 60
LOOK_AGAIN_MS = 15_000


@dataclass
class Person:
    """An agent. `row` is (outcome, so many in a row); `free_since` is (ms, as heard), FAR while not ready with a free phone."""

    id: str
    state: str = "logged_out"
    reason: str = ""
    phone: str = "unavailable"
    phone_since: int = 0
    ready_since: int = 0
    out_since: int = 0
    away_since: int = 0
    left: dict[str, int] = field(default_factory=dict)
    free_since: tuple[int, int] = (FAR, 0)
    contact: str = ""
    queue: str = ""
    until: int = FAR
    wish: str = ""
    idle_since: int = 0
    asked_at: int = 0
    planned: int = 0  # as which of all the end of the reservation was planned
    handled: int = 0
    talked: int = 0
    row: tuple[str, int] = ("", 0)

    @property
    def is_free(self) -> bool:
        """ "Ready is who is in that state with a free phone." """
        return self.state == "ready" and self.phone == "available"


@dataclass
class Caller:
    """A contact on the board. `steps` are those that are not left out; `line` says since when it stands in line."""

    id: str
    queue: str
    joined: int
    priority: int
    line: int
    steps: list[tuple[int, str]]
    number: str = ""
    kept: int = 0
    excluded: frozenset[str] = frozenset()
    preferred: list[str] = field(default_factory=list)
    preferred_until: int = 0
    refused: dict[str, int] = field(default_factory=dict)  # agent -> asked again from then on
    been_in: list[str] = field(default_factory=list)
    rings: list[str] = field(default_factory=list)  # agents whose phones ring
    talks_to: str = ""
    talks_since: int = 0
    more_at: int = FAR
    looked: int = -1  # when its overflow rules were tried last, and none led on
    look_at: int = FAR  # when they are tried again
    leaves_line: bool = False  # an overflow rule is about to lead it on

    @property
    def waits(self) -> bool:
        return not self.rings and not self.talks_to and not self.leaves_line


@dataclass
class Scene:
    """All that the rules look at."""

    site: Directory
    now: int
    people: dict[str, Person]
    callers: dict[str, Caller] = field(default_factory=dict)

    def policy(self, caller: Caller) -> QueuePolicy:
        return self.site.queues[caller.queue]

    def waited(self, caller: Caller) -> int:
        return self.now - caller.joined

    def in_queue(self, queue: str) -> list[Caller]:
        """Who waits there, or is being rung for."""
        return [caller for caller in self.callers.values() if caller.queue == queue and not caller.talks_to]


# -- a contact's place -----------------------------------------------------------------------------------------------------


def worth(scene: Scene, caller: Caller) -> float:
    """ "The place of a contact is worth `waited + kept + priority / ageing` seconds ... with 0 a second of priority is worth 10,000,000 s";
    with the choice `strict` "ageing is 0 in every queue, also within it"."""
    ageing = 0 if scene.site.choice == "strict" else scene.policy(caller).ageing
    return (scene.waited(caller) + caller.kept) / 1000 + (caller.priority / ageing if ageing else caller.priority * 10_000_000)


def place(scene: Scene, caller: Caller) -> tuple[float, int]:
    """ "The contact whose place is worth the most goes first. Of equal places whoever began to stand in line first goes first; who was
    offered and waits again stands behind equal ones." """
    return -round(worth(scene, caller), 3), caller.line


def urgency(scene: Scene, caller: Caller) -> tuple[float, float, int]:
    """ "Between queues `seconds` count, `waited + kept + priority` ... at_risk: `seconds x weight / threshold`;
    weighted: `seconds x weight`;
    strict: the highest priority of all queues, then the longest wait. Where `seconds` is negative it is divided by `weight / threshold` or
    `weight` instead. Of equal ones whoever joined first goes first." """
    policy, waited = scene.policy(caller), (scene.waited(caller) + caller.kept) / 1000
    if scene.site.choice == "strict":
        return -caller.priority, -waited, caller.joined
    seconds = waited + caller.priority
    factor = policy.weight / (policy.threshold_ms / 1000) if scene.site.choice == "at_risk" else policy.weight
    return -round(seconds * factor if seconds >= 0 else seconds / factor, 9), 0, caller.joined


# -- who may take it -------------------------------------------------------------------------------------------------------


@cache
def _meaning(text: str) -> object:
    return compile(re.sub(r"@(\w+)", r"(me == '\1')", text) or "True", text, "eval")


class _Levels(dict[str, object]):
    def __missing__(self, skill: str) -> int:
        return 0


def suits(text: str, profile: AgentProfile) -> bool:
    """ "The requirement is an expression over skills with levels, agents and attributes"; one skill alone is any level of it."""
    return bool(eval(_meaning(text), {"__builtins__": {}}, _Levels(profile.skills, me=profile.id)))  # type: ignore[arg-type]


def named_alone(text: str) -> list[str]:
    """The agents of "a step that names agents alone (`@li`, `@li or @wang`)"."""
    return re.findall(r"@(\w+)", text) if re.fullmatch(r"@\w+( or @\w+)*", text) else []


def serves(scene: Scene, person: Person, queue: str) -> bool:
    return queue in scene.site.agents[person.id].queues and queue not in person.left


def is_at_work(person: Person) -> bool:
    return person.state not in ("logged_out", "paused")


def is_to_come(scene: Scene, caller: Caller, name: str) -> bool:
    """ "An agent who is not logged out, not paused, serves the contact's queue, is not excluded, and has not refused this contact." """
    person = scene.people.get(name)
    there = person is not None and is_at_work(person) and serves(scene, person, caller.queue)
    return there and name not in caller.excluded and name not in caller.refused


def step(scene: Scene, caller: Caller) -> int:
    """ "The last step whose `after` is over is in force. `after` counts from joining the first queue in this call, whether there is a
    preference or not." """
    return max((at for at, (after, _) in enumerate(caller.steps) if after <= scene.waited(caller)), default=0)


def in_force(scene: Scene, caller: Caller) -> str:
    """ "Preferred agents are waited for alone"; else the step."""
    return " or ".join(f"@{name}" for name in caller.preferred) or caller.steps[step(scene, caller)][1]


def tier(scene: Scene, name: str, queue: str) -> int:
    return scene.site.agents[name].membership(queue).tier


def asked_after(scene: Scene, queue: str, number: int) -> int:
    """ "Agents of tier 1 are asked first. A later tier is asked, too, when the contact has waited for its
    `tier_delays`; but where nobody of
    the tier before it is at work (logged in, not paused, serving the queue), it is asked as soon as that tier is." """
    if number == 1:
        return 0
    at_work = [p for p in scene.people.values() if is_at_work(p) and serves(scene, p, queue) and tier(scene, p.id, queue) == number - 1]
    return scene.site.queues[queue].tier_delays_ms[number - 1] if at_work else asked_after(scene, queue, number - 1)


def may_take(scene: Scene, caller: Caller, person: Person) -> bool:
    """Free, serving the queue, meeting the requirement, of a tier that is asked ("tiers of agents who are wanted by name do not count"),
    never excluded, and "not asked for the same contact again for `offer_again_after`"."""
    text, name = in_force(scene, caller), person.id
    if not person.is_free or not serves(scene, person, caller.queue) or not suits(text, scene.site.agents[name]):
        return False
    if name in caller.excluded or caller.refused.get(name, 0) > scene.now:
        return False
    return bool(named_alone(text)) or asked_after(scene, caller.queue, tier(scene, name, caller.queue)) <= scene.waited(caller)


# -- who of them -----------------------------------------------------------------------------------------------------------


def fairness(scene: Scene, caller: Caller, person: Person) -> float:
    """The table of strategies: the lowest rings first."""
    match scene.policy(caller).strategy:
        case "round_robin":
            return person.asked_at
        case "fewest_contacts":
            return person.handled
        case "least_talk":
            return person.talked
        case "linear":
            return scene.site.agents[person.id].order
        case _:
            return person.idle_since


def who_first(scene: Scene, caller: Caller, person: Person) -> tuple[object, ...]:
    """ "Behind all who have not refused it and are asked by now, of whatever tier; of several who refused, by tier and strategy ... Among
    those asked, a lower tier always comes first ... Equal ones ring in the order of becoming ready." """
    number = 0 if named_alone(in_force(scene, caller)) else tier(scene, person.id, caller.queue)
    return person.id in caller.refused, number, fairness(scene, caller, person), person.free_since


def candidates(scene: Scene, caller: Caller) -> list[Person]:
    able = [person for person in scene.people.values() if may_take(scene, caller, person)]
    return sorted(able, key=lambda person: who_first(scene, caller, person))


def next_served(scene: Scene) -> Caller | None:
    """ "A contact whose turn it is but whom nobody free can serve holds nobody up ... An agent free for several queues compares the first
    contact of each queue that they may take now ... Many contacts at once are offered in the order in which an agent free for all of
    them would take them." """
    heads = []
    for queue in scene.site.queues:
        able = [caller for caller in scene.in_queue(queue) if caller.waits and candidates(scene, caller)]
        heads += sorted(able, key=lambda caller: place(scene, caller))[:1]
    return min(heads, key=lambda caller: urgency(scene, caller), default=None)


# -- when nobody can -------------------------------------------------------------------------------------------------------


def is_there(scene: Scene, caller: Caller, person: Person, queue: str, rule: str) -> bool:
    """ "`staffed` (logged in), `ready` (logged in, not paused, with a phone) or `eligible` (logged in, with the skills of one of this
    contact's steps, not excluded), who serves the queue"."""
    if person.state == "logged_out" or not serves(scene, person, queue):
        return False
    if rule == "ready":
        return person.state != "paused" and person.phone != "unavailable"
    return rule == "staffed" or could_ever(scene, caller, person)


def could_ever(scene: Scene, caller: Caller, person: Person) -> bool:
    return person.id not in caller.excluded and any(suits(text, scene.site.agents[person.id]) for _, text in caller.steps)


def anybody(scene: Scene, caller: Caller, queue: str, rule: str) -> bool:
    return rule == "always" or any(is_there(scene, caller, person, queue, rule) for person in scene.people.values())


def gone_since(scene: Scene, caller: Caller, person: Person, rule: str) -> int:
    """ "An agent is gone since the earliest of the reasons that hold now: logged out, for `ready` also paused or without a phone, or having
    left this queue; a further reason does not begin the grace anew." """
    reasons = [person.left[caller.queue]] if caller.queue in person.left else []
    if person.state == "logged_out":
        reasons.append(person.out_since)
    if rule == "ready" and not is_at_work(person):
        reasons.append(person.away_since)
    if rule == "ready" and person.phone == "unavailable":
        reasons.append(person.phone_since)
    return min(reasons)


def grace_ends(scene: Scene, caller: Caller) -> int:
    """ "Nobody has been there for `stay_grace` in the sense of `stay_when`. The grace counts from the later of two
    moments: when the contact
    joined its first queue in this call, and when the last agent of the queue who had been there for the contact went." """
    policy = scene.policy(caller)
    rule = policy.stay_when
    if anybody(scene, caller, caller.queue, rule):
        return FAR
    of_queue = [person for person in scene.people.values() if caller.queue in scene.site.agents[person.id].queues]
    went = [gone_since(scene, caller, p, rule) for p in of_queue if rule != "eligible" or could_ever(scene, caller, p)]
    return max([caller.joined, *went]) + policy.stay_grace_ms


def would_take(scene: Scene, caller: Caller, queue: str) -> bool:
    """ "Not closed, not full, somebody there in the sense of its `join_when`"."""
    policy = scene.site.queues[queue]
    is_open = scene.site.calendars[policy.hours](scene.now) if policy.hours else True
    return is_open and len(scene.in_queue(queue)) < policy.max_waiting and anybody(scene, caller, queue, policy.join_when)


def leads_on(scene: Scene, caller: Caller, rule: Overflow) -> bool:
    """ "An overflow rule leads on when it has no queue, or one that the contact neither waits in nor came from and that would take it." """
    return is_elsewhere(caller, rule) and (not rule.to or would_take(scene, caller, rule.to))


def is_elsewhere(caller: Caller, rule: Overflow) -> bool:
    return rule.to not in (caller.queue, *caller.been_in)


def rules_due(scene: Scene, caller: Caller) -> list[Overflow]:
    """ "Waits of overflow rules count from joining the first queue in this call, too. Rules are tried in the order of the file." """
    return [rule for rule in scene.policy(caller).overflow if 0 < rule.waited_ms <= scene.waited(caller) and is_elsewhere(caller, rule)]


def must_look(scene: Scene, caller: Caller) -> bool:
    """Whether the time of a rule has come since the rules were tried last; "where none leads on ... after 15 s it is looked at again"."""
    times = [caller.joined + rule.waited_ms for rule in scene.policy(caller).overflow if rule.waited_ms]
    return scene.now >= caller.look_at or any(caller.looked < time <= scene.now for time in times)


def moments(scene: Scene) -> list[int]:
    """Every moment at which anything could happen by itself. Too many are only slow."""
    found: list[int] = []
    for person in scene.people.values():
        found += [person.until, max(person.phone_since, person.ready_since) + scene.site.presence_ms]
    for caller in scene.callers.values():
        if caller.talks_to:
            continue
        policy = scene.policy(caller)
        waits = [after for after, _ in caller.steps] + [*policy.tier_delays_ms, policy.max_wait_ms]
        waits += [rule.waited_ms for rule in policy.overflow]
        found += [caller.joined + wait for wait in waits]
        found += [
            *caller.refused.values(),
            caller.preferred_until,
            caller.more_at,
            caller.looked + LOOK_AGAIN_MS,
            grace_ends(scene, caller),
        ]
    return [moment for moment in found if moment > scene.now]
