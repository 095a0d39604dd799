"""The rules of a change of the site's definitions while calls are under way: another directory for the same board.

No record of the board is lost, no call is cut: talks and offers come to the usual end, and what that needs of the old
definitions stands in for them until then. Whoever waits is under the new definitions from now on.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from routing.board import admission, agents, caller_history, contacts, overflow
from routing.board.state import BoardState
from routing.domain.agent import Agent
from routing.domain.agent_state import AgentEvent, AgentState
from routing.domain.contact_state import QUEUED, TAKEN, ContactState
from routing.domain.events.agents import AgentPhoneChanged, AgentRemoved, PhoneStateChanged
from routing.domain.events.contacts import ContactPrioritised
from routing.domain.members import at_first
from routing.domain.model import AgentProfile, Contact, Directory, QueuePolicy
from routing.domain.orders import ReportPhoneOrder
from routing.domain.phone_address import PhoneAddress, SipAccount, phone_text
from routing.domain.requirement import parse

NO_MOVES: Mapping[str, str] = {}
NO_QUEUES: Mapping[str, QueuePolicy] = {}


class ChangeRefused(Exception):
    """This directory cannot be in force now; the message says which queue is in the way, and what to do."""


def check(before: Directory, directory: Directory, known: Iterable[Contact], moves: Mapping[str, str]) -> None:
    """ChangeRefused when somebody waits in a queue of `before` that `directory` does not have, and `moves` takes them nowhere."""
    for queue, target in moves.items():
        if target not in directory.queues:
            raise ChangeRefused(f"callers of queue {queue!r} cannot move to {target!r}, which is no queue: {_listed(directory.queues)}")
    lost = before.queues.keys() - directory.queues.keys() - moves.keys()
    stranded = Counter(contact.queue for contact in known if contact.queue in lost and contact.state not in TAKEN)
    if stranded:
        wait = ", ".join(f"{count} {_wait(count)} in {queue!r}" for queue, count in sorted(stranded.items()))
        raise ChangeRefused(f"{wait}: name a queue that takes them, or remove the queue when nobody waits; {_listed(directory.queues)}")


def _wait(count: int) -> str:
    return "caller waits" if count == 1 else "callers wait"


def _listed(queues: Iterable[str]) -> str:
    return f"known are: {', '.join(queues) or 'none'}"


def with_stand_ins(
    directory: Directory, contacts_known: Iterable[Contact], agents_known: Iterable[Agent], former: Mapping[str, QueuePolicy] = NO_QUEUES
) -> Directory:
    """The site's definitions, and stand-ins for what it does not define any more but is still in use. `former` are its queues as they were.

    A queue that stands in is full for whoever comes, and who still waits there is timed out; an agent who does takes no contact.
    """
    named = (
        {contact.queue for contact in contacts_known}
        | {assignment.queue for agent in agents_known for assignment in agent.assignments.values()}
        | former.keys()
    )
    gone = (former.get(name, QueuePolicy(name)) for name in sorted(named - directory.queues.keys()))
    queues = {queue.name: _closed(queue) for queue in gone}
    leaving = (agent for agent in agents_known if agent.id not in directory.agents)
    people = {agent.id: AgentProfile(agent.id, agent.id, agent.phone) for agent in leaving}
    return replace(directory, queues={**queues, **directory.queues}, agents={**people, **directory.agents})


def _closed(queue: QueuePolicy) -> QueuePolicy:
    limits = replace(queue, max_wait_ms=0, max_waiting=0, overflow=(), hours="", keep_place_ms=0, last_agent_ms=0)
    return replace(limits, join_when="always", stay_when="always")


def redefine(board: BoardState, directory: Directory, now_ms: int, moves: Mapping[str, str] = NO_MOVES) -> None:
    """Let another directory be in force. `moves` says in which queue the callers of one that is gone wait on.

    ChangeRefused when somebody waits in a queue that is gone and moves nowhere; nothing is changed then.
    """
    check(board.site, directory, board.contacts.values(), moves)
    former, company = board.directory, _Company(board, now_ms)
    _define(board, directory, moves, former.queues)
    leave_queues(board, now_ms)
    _follow_priorities(board, former, now_ms)
    settle_agents(board, now_ms)
    board.index()
    company.missed(board, now_ms)
    if _remembered_for(former) != _remembered_for(board.directory):
        for history in board.callers.values():
            caller_history.resume(board, history)
    go_on(board, now_ms, from_ms=now_ms)


def leading_on(before: Mapping[str, str], moves: Mapping[str, str], directory: Directory) -> dict[str, str]:
    """Where the callers of queues that are gone wait now: one that took them may be gone later, and one that is gone come back."""
    leads = {queue: moves.get(target, target) for queue, target in before.items()} | dict(moves)
    return {queue: target for queue, target in leads.items() if queue not in directory.queues and target in directory.queues}


def _define(board: BoardState, directory: Directory, moves: Mapping[str, str], former: Mapping[str, QueuePolicy]) -> None:
    board.moves = leading_on(board.moves, moves, directory)
    board.site = directory
    board.directory = with_stand_ins(directory, list(board.contacts.values()), list(board.agents.values()), former)


def leave_queues(board: BoardState, now_ms: int) -> None:
    """Who waits in a queue that is gone waits in the one that takes its callers; a phone that rings for them rings on."""
    for contact in board.contacts.values():
        if contact.state not in TAKEN and contact.queue in board.moves:
            overflow.change_queue(board, contact, board.moves[contact.queue], "queue_removed", now_ms)
            for offer, id in contact.offers.items():
                agent = board.agents[id]
                if offer in agent.assignments:
                    agent.assignments[offer] = replace(agent.assignments[offer], queue=contact.queue)
                    board.touch_agent(id)


def _follow_priorities(board: BoardState, former: Directory, now_ms: int) -> None:
    """A queue's priority and ageing apply to those who wait in it, too."""
    for contact in board.contacts.values():
        before, there = former.queues.get(contact.queue), board.site.queues.get(contact.queue)
        if contact.state in TAKEN or not before or not there:
            continue
        more, ageing, old = there.priority - before.priority, board.site.ageing_in(there.name), contact.priority
        if more or ageing != contact.ageing:
            contact.priority, contact.ageing = old + more, ageing
            board.touch_contact(contact.id)
            board.write(ContactPrioritised(contact.priority, old, ageing), now_ms, contact=contact)


def _remembered_for(directory: Directory) -> dict[str, tuple[int, int]]:
    return {queue.name: (queue.keep_place_ms, queue.last_agent_ms) for queue in directory.queues.values()}


# -- agents ----------------------------------------------------------------------------------------------------------------


def settle_agents(board: BoardState, now_ms: int, *, at_work: bool = True) -> None:
    """Change the agents as the site says. `at_work` is False at the first start, when nobody is known and everything is written anyway."""
    board.unsettled = {agent.id for agent in board.agents.values() if not _is_settled(board, agent)}
    free = [agent for id in sorted(board.unsettled) if not (agent := board.agents[id]).in_call]
    for agent in free:  # all phones first: two agents may have changed places
        agents.free_phone(board, agent)
    for agent in free:
        _settle(board, agent, now_ms)
    for profile in board.site.agents.values():
        agent = board.agents.get(profile.id) or _new(board, profile, now_ms, at_work=at_work)
        if agent.desk_phone and agent.desk_phone == profile.phone:  # sits at what is the own phone now
            agent.desk_phone = None
            board.touch_agent(agent.id)


def _is_settled(board: BoardState, agent: Agent) -> bool:
    """Whether the agent is one of the site's, at the own phone or at one that is shared; one without a phone gets it on logging in."""
    profile = board.site.agents.get(agent.id)
    return profile is not None and agent.phone in (None, agent.desk_phone or profile.phone)


def settle(board: BoardState, id: str, now_ms: int) -> None:
    """Deadline: the call is over of an agent who is to leave, or to get another phone."""
    agent = board.agents.get(id)
    if agent and id in board.unsettled and not agent.in_call:
        agents.free_phone(board, agent)
        phone = agent.phone
        _settle(board, agent, now_ms)
        owner = next((profile.id for profile in board.site.agents.values() if profile.phone == phone), "")
        if owner and not board.agents[owner].phone:  # it was to get this phone, and could not
            _move_to(board, board.agents[owner], phone, now_ms)
            board.seek_contact(board.agents[owner], now_ms)
        if id in board.agents:
            board.seek_contact(agent, now_ms)


def _settle(board: BoardState, agent: Agent, now_ms: int) -> None:
    """The agent's phone is free already."""
    board.unsettled.discard(agent.id)
    profile = board.site.agents.get(agent.id)
    if profile:
        _move_to(board, agent, None if profile.phone in board.phones else profile.phone, now_ms)
    else:
        _leave(board, agent, now_ms)


def _move_to(board: BoardState, agent: Agent, phone: PhoneAddress | None, now_ms: int) -> None:
    """Work goes on at that phone, which the site says is the agent's own."""
    agent.phone = None
    agents.give_phone(board, agent, phone, None, now_ms)
    board.touch_agent(agent.id)
    if agent.state != AgentState.LOGGED_OUT:
        agents.write(board, agent, AgentPhoneChanged, now_ms)


def _leave(board: BoardState, agent: Agent, now_ms: int) -> None:
    """The site does not have this agent any more."""
    board.matching.remove_agent(agent.id)
    if agent.state != AgentState.LOGGED_OUT:
        agents.move(board, agent, AgentEvent.LOG_OUT, now_ms, reason="removed")
    agents.write(board, agent, AgentRemoved, now_ms)
    del board.agents[agent.id]
    board.touch_agent(agent.id)


def _new(board: BoardState, profile: AgentProfile, now_ms: int, *, at_work: bool) -> Agent:
    """Logged out. The phone may be known, as one that nobody had; else it is asked for."""
    agent = board.agents[profile.id] = at_first(profile)
    phone = profile.phone
    if phone in board.phones:  # somebody sits there
        agent.phone, agent.phone_state = None, "unavailable"
    elif phone:
        board.phones[phone] = agent.id
    if at_work and agent.phone and isinstance(phone, SipAccount):
        board.touch_agent(agent.id)
        if phone in board.loose_phones:
            agent.phone_state, agent.phone_at = board.loose_phones.pop(phone)
            agent.phone_since_ms = now_ms
            board.write(PhoneStateChanged(phone_text(phone), agent.phone_state, agent.phone_at), now_ms, agent=agent)
        for server in board.servers if agent.phone_state == "unavailable" else ():
            board.order(server, ReportPhoneOrder(phone))
    return agent


# -- who waits -------------------------------------------------------------------------------------------------------------


def go_on(board: BoardState, now_ms: int, *, from_ms: int = 0) -> None:
    """After `board.index`: what is due is asked for, agents join their pools as they became ready, then each contact gets its chance.

    `from_ms`: since when the rules apply by which it is due.
    """
    for contact in board.contacts.values():
        if contact.state not in TAKEN:
            contacts.plan(board, contact, from_ms)
    for queue in board.site.queues:
        board.watch(queue, now_ms)
    board.ask_once()
    for agent in sorted(board.agents.values(), key=lambda agent: agent.presence_since_ms):
        board.seek_contact(agent, now_ms)
    board.seek_agents([contact for contact in board.contacts.values() if contact.state == ContactState.WAITING], now_ms)


@dataclass(frozen=True, slots=True)
class _Kind:
    """Contacts that are alike for the question whether anybody is there for them."""

    queue: str
    wants: tuple[str, ...]


class _Company:
    """Who was there for those who wait, before the change: agents by name, and anybody at all in the sense of `stay_when`."""

    def __init__(self, board: BoardState, now_ms: int) -> None:
        waiting = [contact for contact in board.contacts.values() if contact.state in QUEUED]
        self._named = {contact.id: named for contact in waiting if (named := _named(board, contact, now_ms))}
        self._there: dict[_Kind, bool] = {}
        self._had = {contact.id: contact.queue for contact in waiting if _has_company(board, contact, self._there)}

    def missed(self, board: BoardState, now_ms: int) -> None:
        """Who is waited for by name and does not serve any more is waited for no longer; who has nobody now has a grace from now on."""
        there: dict[_Kind, bool] = {}
        for id, queue in self._had.items():
            contact = board.contacts[id]
            if contact.queue == queue and not _has_company(board, contact, there):
                contact.alone_ms = now_ms
                board.touch_contact(id)
        for id, named in self._named.items():
            if not named <= _named(board, board.contacts[id], now_ms):
                board.drop_preference(board.contacts[id], now_ms)


def _named(board: BoardState, contact: Contact, now_ms: int) -> frozenset[str]:
    """The agents whom a contact waits for by name and who are to come."""
    alone = parse(contact.steps[contact.step(now_ms)][1]).alone
    return frozenset(name for name in alone if board.is_to_come(contact, name))


def _has_company(board: BoardState, contact: Contact, known: dict[_Kind, bool]) -> bool:
    rule = board.directory.queues[contact.queue].stay_when
    if rule == "always":
        return True
    excluded = (agent for agent in contact.refused_until_ms if contact.is_excluded(agent))
    kind = _Kind(contact.queue, (contact.kind, *(text for _, text in contact.flow_steps), *excluded))
    if kind not in known:
        known[kind] = admission.somebody(board, contact, contact.queue, rule)
    return known[kind]


DEADLINES: dict[str, Callable[[BoardState, str, int], None]] = {"settle": settle}
