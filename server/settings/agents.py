"""Reads agents.yaml: who answers, on which phone, in which queues, and what of it must fit together."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from routing.domain.model import AgentProfile, Membership, QueuePolicy
from routing.domain.phone_address import parse_phone
from routing.domain.teams import Team
from server.settings.agent_files import AgentFile, AgentsFile
from server.settings.policies import policy_from
from server.settings.reading import Reading
from server.settings.teams import check_leaders, read_teams, stays_of, team_mistakes
from sources.problems import suggest
from sources.source import Where

FILE = "agents.yaml"
Said = tuple[Where, str, str]


@dataclass(frozen=True, slots=True)
class Staff:
    """The agents; `phones` are SIP accounts without an owner, `logins` the number that an agent keys at such a phone -> agent."""

    agents: Mapping[str, AgentProfile] = field(default_factory=dict)
    phones: tuple[str, ...] = ()
    logins: Mapping[str, str] = field(default_factory=dict)
    teams: Mapping[str, Team] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outside:
    """What the rest of the site says about numbers: those that are taken, those that may be dialled, and whether a trunk leads out."""

    taken: Collection[str]
    may_dial: Callable[[str], bool]
    outbound: bool


def read_agents(reading: Reading, queues: Mapping[str, QueuePolicy], outside: Outside, time_zone: str) -> Staff:
    """Everybody, their teams, and every problem. A day of a team begins at midnight in `time_zone`."""
    teams = read_teams(reading)
    file = reading.file(FILE, AgentsFile)
    known = reading.names("queues.yaml", "queues")
    queues = {} if reading.faulty("queues.yaml") else queues  # a queue with mistakes has no tiers yet
    known_teams = reading.names("teams.yaml", "teams")
    for name, agent in file.agents.items():
        found = (*_reached_at(agent, outside), *_memberships(agent, queues, known), *_attributes(agent, file.agents))
        for where, message, hint in (*found, *team_mistakes(agent.team, known_teams)):
            reading.say(FILE, ("agents", name, *where), message, hint)
    check_leaders(reading, teams)
    _check_shared_phones(reading, file, outside)
    agents = {name: _profile(name, agent, order, time_zone) for order, (name, agent) in enumerate(file.agents.items())}
    return Staff(agents, tuple(file.phones), _logins(reading, file.agents), teams)


def _profile(name: str, file: AgentFile, order: int, time_zone: str) -> AgentProfile:
    parts = {part.queue: policy_from(Membership, part) for part in file.queues}
    return policy_from(
        AgentProfile,
        file,
        id=name,
        phone=parse_phone(file.phone or file.external_number),
        queues=tuple(parts),
        memberships={queue: part for queue, part in parts.items() if part != Membership()},
        auto_answer=file.answer == "auto",
        order=order,
        teams=stays_of(file.team, time_zone),
    )


def _reached_at(agent: AgentFile, outside: Outside) -> Iterator[Said]:
    """The one phone at which an agent is reached."""
    if agent.phone and agent.external_number:
        yield ("external_number",), "an agent has a desk phone or an external number, not both", "leave phone or external_number out"
    if not agent.phone and not agent.external_number and not agent.pin:
        hint = "give a phone (a SIP account), an external_number, or a pin to log in from any phone of the site"
        yield (), "there is no phone on which this agent could be reached", hint
    if agent.external_number and not outside.may_dial(agent.external_number):
        yield (
            ("external_number",),
            f"the number {agent.external_number} is none that may be dialled",
            "add a pattern for it under transfer.allow",
        )
    if agent.external_number and not outside.outbound:
        yield ("external_number",), f"no trunk leads to {agent.external_number}", "a trunk in config/trunks.yaml needs outbound: yes"
    if agent.external_number and agent.answer == "auto":
        yield ("answer",), "an external number cannot be asked to answer by itself", "leave answer out, or give the agent a desk phone"


def _memberships(agent: AgentFile, queues: Mapping[str, QueuePolicy], known: Collection[str]) -> Iterator[Said]:
    seen: set[str] = set()
    for at, part in enumerate(agent.queues):
        policy = queues.get(part.queue)
        if part.queue not in known:
            yield ("queues", at), f"unknown queue '{part.queue}'", suggest(part.queue, known)
        elif part.queue in seen:
            yield ("queues", at), f"the queue '{part.queue}' is there twice", "leave one of them out"
        elif policy and part.tier > len(policy.tier_delays_ms):
            hint = f"set tier_delays of that queue, as [{', '.join(f'{20 * tier}s' for tier in range(min(part.tier, 5)))}]"
            yield ("queues", at, "tier"), f"the queue '{part.queue}' has {_counted(len(policy.tier_delays_ms), 'tier')} only", hint
        seen.add(part.queue)


def _attributes(agent: AgentFile, agents: Mapping[str, AgentFile]) -> Iterator[Said]:
    for name in agent.attributes:
        if any(name in other.skills for other in agents.values()):
            yield (
                ("attributes", name),
                f"'{name}' is a skill, too: requirements could not distinguish them",
                "give one of them another name",
            )


def _check_shared_phones(reading: Reading, file: AgentsFile, outside: Outside) -> None:
    """A phone rings for one agent, and no flow answers its number."""
    owners: dict[str, str] = {}
    rows: list[tuple[Where, str, str]] = []
    for name, agent in file.agents.items():
        setting, words = ("phone", "phone") if agent.phone else ("external_number", "external number")
        if phone := agent.phone or agent.external_number:
            rows.append((("agents", name, setting), phone, f"the {words} of '{name}'"))
    rows += [(("phones", at), phone, "a phone without an owner") for at, phone in enumerate(file.phones)]
    for where, phone, what in rows:
        if phone in owners:
            reading.say(FILE, where, f"phone {phone} is already {owners[phone]}")
        owners.setdefault(phone, what)
        if phone in outside.taken:
            message = f"phone {phone} is one of the numbers that a flow answers or that call for help"
            reading.say(FILE, where, message, "give the phone another number")


def _logins(reading: Reading, agents: Mapping[str, AgentFile]) -> Mapping[str, str]:
    """What agents with a PIN key to say who they are: `login`, else the name or the desk phone where that is digits."""
    found: dict[str, str] = {}
    for name, agent in agents.items():
        if not agent.pin:
            if agent.login:
                reading.say(FILE, ("agents", name, "login"), "a login number is of use with a PIN only", "./hotline pin makes one")
            continue
        login = agent.login or next((text for text in (name, agent.phone) if text.isascii() and text.isdecimal()), "")
        if not login:
            hint = 'give the agent a number to key, as login: "2001"'
            reading.say(FILE, ("agents", name), "this agent has a PIN and nothing to key that says who it is", hint)
        elif login in found:
            where = ("agents", name, "login" if agent.login else "pin")
            reading.say(FILE, where, f"the login number {login} is already that of '{found[login]}'", "give one of them another login")
        else:
            found[login] = name
    return found


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
