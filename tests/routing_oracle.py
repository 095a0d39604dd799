"""An oracle for routing: what docs/routing.md says happens, done the slow and plain way, for comparison with the board.

It shares nothing with `routing/` but the definitions of a site. After everything that happens, and at every moment at which something could
happen by itself, all rules are asked anew about everybody (`oracle_rules.py`). `log` tells what became of it.
"""

from collections.abc import Callable

from routing.domain.model import UNTIL_DONE, Directory, Overflow
from tests import oracle_rules as rules
from tests.oracle_rules import FAR, LOOK_AGAIN_MS, Caller, Person, Scene

SEVERAL = ("ring_all", "ring_progressively")
MOST_PHONES = 20
MOST_PREFERRED = 10
RESERVED_LONGER_MS = 10_000
RUNG_AGAIN_MS = 2_000


class Oracle:
    """The call centre as the document has it. `log`: (ms, what, contact, agent or outcome or queue)."""

    def __init__(self, site: Directory, now: int) -> None:
        self.scene = Scene(site, now, {name: Person(name) for name in site.agents})
        self.log: list[tuple[int, str, str, str]] = []
        self._heard = 0
        self._cut_off: dict[str, tuple[str, int, int]] = {}  # number -> the queue, since when they stand there, when they were cut off
        self._talked: dict[str, tuple[str, int]] = {}  # number -> agent, when

    @property
    def now(self) -> int:
        return self.scene.now

    @property
    def people(self) -> dict[str, Person]:
        return self.scene.people

    @property
    def callers(self) -> dict[str, Caller]:
        return self.scene.callers

    # -- callers -----------------------------------------------------------------------------------------------------------

    def call(
        self,
        name: str,
        queue: str,
        steps: list[tuple[int, str]],
        priority: int = 0,
        *,
        number: str = "",
        preferred: tuple[str, ...] = (),
        exclude: tuple[str, ...] = (),
        kept: int = 0,
        expected_wait: int = 0,
        service_level: float = 100,
    ) -> None:
        """ "On joining, from the top; the first that holds decides." """
        caller = Caller(name, queue, self.now, priority, self._next(), list(steps), number, kept, frozenset(exclude))
        outcome = self._outcome_on_joining(caller, expected_wait, service_level)
        if outcome:
            self._note("out", name, outcome)
            return
        policy = self.scene.policy(caller)
        caller.priority += policy.priority
        caller.kept = max(kept, self._kept_from_earlier(caller))
        wanted = dict.fromkeys([*preferred, *self._talked_lately(caller)])
        caller.preferred = [name for name in wanted if rules.is_to_come(self.scene, caller, name)][:MOST_PREFERRED]
        caller.preferred_until = self.now + policy.preferred_ms
        self.callers[name] = caller
        self.settle()

    def _outcome_on_joining(self, caller: Caller, expected_wait: int, service_level: float) -> str:
        """The table: closed, overflow, full, no_agents. "Who is led to another queue on joining joins there at once." """
        scene, policy = self.scene, self.scene.policy(caller)
        if policy.hours and not scene.site.calendars[policy.hours](self.now):
            return "closed"
        for rule in policy.overflow:
            many = 0 < rule.waiting <= len(scene.in_queue(caller.queue))
            slow = 0 < rule.expected_wait_ms < expected_wait
            if (many or slow or service_level < rule.service_level) and rules.leads_on(scene, caller, rule):
                if not rule.to:
                    return "overflowed"
                caller.been_in.append(caller.queue)
                caller.queue = rule.to
                self._note("moved", caller.id, rule.to)
                return ""
        if len(scene.in_queue(caller.queue)) >= policy.max_waiting:
            return "full"
        return "" if rules.anybody(scene, caller, caller.queue, policy.join_when) else "no_agents"

    def _kept_from_earlier(self, caller: Caller) -> int:
        """ "One who was cut off while waiting and calls again from the same number within `keep_place` of the queue has the place that the
        wait would have by now. Of each number the last such place is kept, is given once, ..." """
        queue, since, cut_off = self._cut_off.get(caller.number, ("", 0, 0))
        if not caller.number or queue != caller.queue or self.now - cut_off > self.scene.policy(caller).keep_place_ms:
            return 0
        del self._cut_off[caller.number]
        return self.now - since

    def _talked_lately(self, caller: Caller) -> list[str]:
        """ "Whoever talked to this number last, within `last_agent`." """
        agent, when = self._talked.get(caller.number, ("", -FAR))
        return [agent] if self.now - when <= self.scene.policy(caller).last_agent_ms else []

    def leave(self, name: str, outcome: str) -> None:
        """The caller hangs up or presses an exit key."""
        caller = self.callers.get(name)
        if caller and caller.talks_to:
            self.finish(name)
        elif caller:
            if outcome == "abandoned" and caller.number and self.scene.policy(caller).keep_place_ms:
                self._cut_off[caller.number] = (caller.queue, caller.joined - caller.kept, self.now)
            self._away(caller, outcome)
            self.settle()

    def answer(self, name: str, agent: str) -> None:
        """ "The answer of one frees the others in the same commit." """
        caller, person = self.callers[name], self.people[agent]
        others = [other for other in caller.rings if other != agent]
        caller.rings, caller.talks_to, caller.talks_since, caller.more_at = [], agent, self.now, FAR
        person.row = ("", 0)
        self._becomes(person, "on_contact")
        self._cut_off.pop(caller.number, None)  # "... and is not kept any more when the caller has talked to an agent"
        if caller.number and self.scene.policy(caller).last_agent_ms:  # "in a queue that has a `last_agent`, too"
            self._talked[caller.number] = (agent, self.now)
        for other in others:
            self._becomes(self.people[other], "ready")
        self.settle()

    def refuse(self, name: str, agent: str, outcome: str) -> None:
        self._refused(name, agent, outcome)
        self.settle()

    def _refused(self, name: str, agent: str, outcome: str) -> None:
        """ "Not asked for the same contact again for `offer_again_after`, and never within 2 s, whatever is set"; "`pause_after` says after
        how many such offers in a row"."""
        caller, person = self.callers[name], self.people[agent]
        policy = self.scene.policy(caller)
        caller.rings.remove(agent)
        caller.refused[agent] = self.now + max(policy.refusal_ms, RUNG_AGAIN_MS)
        if outcome != "failed" and not (outcome == "rang_out" and policy.strategy in SEVERAL):
            person.row = (outcome, person.row[1] + 1 if person.row[0] == outcome else 1)
        leads_on = self._rang_in_vain(caller)
        caller.leaves_line = leads_on
        self._match()
        many = policy.pause_after.get(outcome, 0)
        self._becomes(person, "paused" if person.row[0] == outcome and 0 < many <= person.row[1] else "ready", outcome)
        if leads_on:
            self._match()
            caller.leaves_line = False
            self._overflow(caller)

    def finish(self, name: str) -> None:
        """Wrap-up "of the agent or the queue"; "what was asked for during the talk is done when the wrap-up is over"."""
        caller = self.callers.pop(name)
        person = self.people[caller.talks_to]
        self._note("out", name, "ended")
        person.handled, person.talked, person.idle_since = person.handled + 1, person.talked + self.now - caller.talks_since, self.now
        own = self.scene.site.agents[person.id].wrap_up_ms
        lasts = self.scene.policy(caller).wrap_up_ms if own is None else own
        self._becomes(person, "wrap_up", person.reason)
        person.queue, person.until = caller.queue, FAR if lasts == UNTIL_DONE else self.now + lasts
        self._end_wrap_ups()
        self.settle()

    def _away(self, caller: Caller, outcome: str) -> None:
        del self.callers[caller.id]
        self._note("out", caller.id, outcome)
        for agent in caller.rings:
            self._becomes(self.people[agent], "ready")

    def _rang_in_vain(self, caller: Caller) -> bool:
        """ "When the last offer comes to nothing, what is due by then is done before anybody else is asked: first the end of `max_wait`,
        then the first overflow rule that leads on, then the step and the tiers." Whether such a rule is due; it is to be followed then."""
        if caller.rings:
            return False
        caller.line, caller.more_at, caller.looked = self._next(), FAR, -1
        return not self._too_long(caller) and self._rule(caller) is not None

    def _rule(self, caller: Caller) -> Overflow | None:
        """The one that is due and leads on."""
        return next((rule for rule in rules.rules_due(self.scene, caller) if rules.leads_on(self.scene, caller, rule)), None)

    # -- what supervisors ask for ------------------------------------------------------------------------------------------

    def withdraw(self, name: str) -> None:
        """ "A supervisor ended it." """
        self._away(self.callers[name], "withdrawn")
        self.settle()

    def prioritise(self, name: str, priority: int) -> None:
        """ "A supervisor changes it for one contact while it waits." """
        self.callers[name].priority = priority
        self.settle()

    def move(self, name: str, queue: str) -> None:
        """ "A contact that is moved takes its wait, its kept wait and its steps with it"; its phones stop ringing."""
        caller = self.callers[name]
        if queue == caller.queue:
            return
        rang, caller.rings, caller.more_at = caller.rings, [], FAR
        self._move(caller, queue)
        self._match()
        for agent in rang:
            self._becomes(self.people[agent], "ready")
        self.settle()

    def _move(self, caller: Caller, queue: str) -> None:
        """ "The priority and the ageing of the old queue are replaced by those of the new one." """
        caller.priority += self.scene.site.queues[queue].priority - self.scene.policy(caller).priority
        caller.been_in.append(caller.queue)
        caller.queue, caller.looked, caller.line = queue, -1, self._next()
        self._note("moved", caller.id, queue)

    # -- agents ------------------------------------------------------------------------------------------------------------

    def log_in(self, name: str) -> None:
        """The row of offers, the figures and the queues that were left begin anew."""
        person = self.people[name]
        if person.state == "logged_out":
            person.row, person.left, person.wish = ("", 0), {}, ""
            person.handled = person.talked = 0
            person.idle_since = self.now
            self._becomes(person, "ready")
            self.settle()

    def log_out(self, name: str) -> None:
        self._stop(name, "logged_out", "")

    def pause(self, name: str, reason: str = "") -> None:
        self._stop(name, "paused", reason)

    def _stop(self, name: str, state: str, reason: str) -> None:
        """ "Pausing or logging out sends a ringing call back to the queue"; "asked to during a talk, it is noted"."""
        person = self.people[name]
        if person.state == "on_contact":
            person.wish, person.reason = state, reason
        elif person.state != "logged_out":
            rung = [caller for caller in self.callers.values() if name in caller.rings]
            self._becomes(person, state, reason)
            for caller in rung:
                caller.rings.remove(name)
                if self._rang_in_vain(caller):
                    self._overflow(caller)
            self.settle()

    def resume(self, name: str) -> None:
        """Takes a wish back; a pause ends, and with it the row of offers."""
        person = self.people[name]
        if person.state in ("on_contact", "wrap_up"):
            person.wish = ""
        elif person.state == "paused":
            person.row = ("", 0)
            self._becomes(person, "ready")
            self.settle()

    def end_wrap_up(self, name: str) -> None:
        if self.people[name].state == "wrap_up":
            self.people[name].until = self.now
            self._end_wrap_ups()
            self.settle()

    def extend_wrap_up(self, name: str) -> None:
        person = self.people[name]
        if person.state == "wrap_up" and person.until != FAR:
            person.until += self.scene.site.queues[person.queue].wrap_up_extension_ms

    def leave_queue(self, name: str, queue: str) -> None:
        if queue in self.scene.site.agents[name].queues:
            self.people[name].left.setdefault(queue, self.now)
            self.settle()

    def join_queue(self, name: str, queue: str) -> None:
        self.people[name].left.pop(queue, None)
        self.settle()

    def phone(self, name: str, state: str) -> None:
        """The agent's phone is available, busy or unavailable."""
        person = self.people[name]
        if person.phone != state:
            person.phone, person.phone_since = state, self.now
            self._free(person)
            self.settle()

    def _becomes(self, person: Person, state: str, reason: str = "") -> None:
        if person.state == "logged_out" or state == "logged_out":
            person.out_since = self.now
        if state in ("paused", "logged_out") and rules.is_at_work(person):
            person.away_since = self.now
        if state not in ("on_contact", "wrap_up"):
            person.wish = ""
        person.state, person.reason, person.until, person.ready_since = state, reason, FAR, self.now
        self._free(person)

    def _free(self, person: Person) -> None:
        if not person.is_free:
            person.free_since = (FAR, 0)
        elif person.free_since[0] == FAR:
            person.free_since = (self.now, self._next())

    def restart(self) -> None:
        """ "Of one millisecond: as the router heard of them, after a take-over as in `config/agents.yaml`." Nothing else changes."""
        for caller in self.callers.values():
            caller.looked, caller.look_at = -1, FAR
        for person in self.people.values():
            person.free_since = (person.free_since[0], self.scene.site.agents[person.id].order)
            person.planned = self.scene.site.agents[person.id].order

    # -- what happens by itself --------------------------------------------------------------------------------------------

    def wait(self, ms: int) -> None:
        """Time passes, from one moment at which something could happen to the next."""
        end = self.now + ms
        while (moment := min(rules.moments(self.scene), default=FAR)) <= end:
            self.scene.now = moment
            self._end_wrap_ups()
            self._end_reservations()
            self._presence()
            self.settle()
            self._ring_more()
        self.scene.now = end

    def settle(self) -> None:
        """ "Agents become free first, then steps, tiers and forgotten refusals come into force, then the longest waits are over, then
        contacts overflow, then empty queues are left." """
        while True:
            self._match()
            waiting = [caller for caller in self.callers.values() if caller.waits]
            if not (self._first(waiting, self._too_long) or self._first(waiting, self._overflow) or self._first(waiting, self._left_alone)):
                return

    def _match(self) -> None:
        self._drop_names()
        while caller := rules.next_served(self.scene):
            self._offer(caller)

    def _first(self, callers: list[Caller], rule: Callable[[Caller], bool]) -> bool:
        return any(rule(caller) for caller in callers)

    def _drop_names(self) -> None:
        """ "Who stops being so meanwhile is dropped, for good." Steps that name agents alone "are treated likewise";
        "when none is left, the
        step is left out and the one after it is in force at once; of the last step nobody is dropped"."""
        for caller in self.callers.values():
            if caller.waits:
                over = self.now >= caller.preferred_until
                caller.preferred = [name for name in caller.preferred if not over and rules.is_to_come(self.scene, caller, name)]
                while not caller.preferred and self._drop_of_step(caller):
                    pass

    def _drop_of_step(self, caller: Caller) -> bool:
        """Whether the step was left out."""
        at = rules.step(self.scene, caller)
        after, text = caller.steps[at]
        names = rules.named_alone(text)
        if not names or at == len(caller.steps) - 1:
            return False
        there = [name for name in names if rules.is_to_come(self.scene, caller, name)]
        caller.steps[at : at + (1 if there else 2)] = [(after, " or ".join(f"@{name}" for name in there) or caller.steps[at + 1][1])]
        return not there

    def _offer(self, caller: Caller) -> None:
        """Whose phones ring: one; with `ring_all` "everybody who is ready, up to 20 phones"."""
        policy = self.scene.policy(caller)
        able = rules.candidates(self.scene, caller)
        self._ring(caller, able[:MOST_PHONES] if policy.strategy == "ring_all" else able[:1])
        if policy.strategy in SEVERAL:
            caller.more_at = self.now + policy.ring_more_ms

    def _ring(self, caller: Caller, people: list[Person]) -> None:
        for person in people:
            caller.rings.append(person.id)
            self._becomes(person, "reserved")
            person.asked_at, person.planned = self.now, self._next()
            person.until = self.now + self.scene.policy(caller).ring_timeout_ms + RESERVED_LONGER_MS
            self._note("ring", caller.id, person.id)

    def _ring_more(self) -> None:
        """ "Whoever becomes ready joins in every `ring_more_every`"; "one more every `ring_more_every`"; "no further
        phones ring once [the end
        of `max_wait` or an overflow rule that leads on] is due"."""
        for caller in self.callers.values():
            if caller.rings and caller.more_at <= self.now:
                policy = self.scene.policy(caller)
                caller.more_at = self.now + policy.ring_more_ms
                if self.scene.waited(caller) >= policy.max_wait_ms or self._rule(caller):
                    continue
                able = rules.candidates(self.scene, caller)
                self._ring(caller, able[: MOST_PHONES - len(caller.rings)] if policy.strategy == "ring_all" else able[:1])

    def _end_wrap_ups(self) -> None:
        for person in self.people.values():
            if person.state == "wrap_up" and person.until <= self.now:
                self._becomes(person, person.wish or "ready", person.reason if person.wish else "")

    def _end_reservations(self) -> None:
        """ "Reservations end 10 s after the ring time": the offer failed. One after the other, as they were made."""
        for person in sorted(self.people.values(), key=lambda person: person.planned):
            if person.state == "reserved" and person.until <= self.now:
                name = next(caller.id for caller in self.callers.values() if person.id in caller.rings)
                self.refuse(name, person.id, "failed")

    def _presence(self) -> None:
        """ "An agent who has been ready without a phone for two minutes is paused." """
        for person in self.people.values():
            since = max(person.phone_since, person.ready_since)
            if person.state == "ready" and person.phone == "unavailable" and since + self.scene.site.presence_ms <= self.now:
                self._becomes(person, "paused", "unreachable")

    def _too_long(self, caller: Caller) -> bool:
        """ "`max_wait` is over: `timed_out`." """
        over = self.scene.waited(caller) >= self.scene.policy(caller).max_wait_ms
        if over:
            self._away(caller, "timed_out")
        return over

    def _overflow(self, caller: Caller) -> bool:
        """ "An overflow rule: waited so long: the other queue with the wait so far, or `overflowed`"."""
        if not rules.must_look(self.scene, caller):
            return False
        rule = self._rule(caller)
        if rule is None:
            caller.looked = self.now
            if not self.now < caller.look_at < FAR:
                caller.look_at = self.now + LOOK_AGAIN_MS if rules.rules_due(self.scene, caller) else FAR
            return False
        if rule.to:
            self._move(caller, rule.to)
        else:
            self._away(caller, "overflowed")
        return True

    def _left_alone(self, caller: Caller) -> bool:
        """ "Nobody has been there for `stay_grace` in the sense of `stay_when`: `no_agents`." """
        gone: bool = rules.grace_ends(self.scene, caller) <= self.now
        if gone:
            self._away(caller, "no_agents")
        return gone

    def _note(self, what: str, caller: str, more: str) -> None:
        self.log.append((self.now, what, caller, more))

    def _next(self) -> int:
        self._heard += 1
        return self._heard
