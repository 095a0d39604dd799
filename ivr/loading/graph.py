"""Rules about where exits lead: to nodes that exist, that can be reached, that come to an end, and not in a circle without the caller."""

from collections.abc import Iterable, Iterator, Mapping

from ivr.flow.model import BACK, FLOW_PREFIX, HANG_UP, RESERVED, TOP, Node, Target, walk
from ivr.flow.nodes.hangup import Hangup
from ivr.flow.nodes.menu import Menu
from ivr.flow.nodes.queue import Queue
from ivr.flow.nodes.transfer import Transfer
from ivr.loading.draft import Draft
from sources.problems import Problem, suggest


def check_graph(draft: Draft) -> Iterator[Problem]:
    """Every rule of this file that one flow alone can break; the later ones only where the graph is complete."""
    unknown = list(unknown_targets(draft))
    yield from unknown
    if draft.complete and not unknown:
        yield from unreachable(draft)
        yield from dead_ends(draft)


def unknown_targets(draft: Draft) -> Iterator[Problem]:
    """Exits that lead to a node that is not there."""
    for where, target in draft.targets():
        if not target.startswith(FLOW_PREFIX) and target not in draft.names and target not in RESERVED:
            yield draft.problem(where, f"unknown node '{target}'", suggest(target, [*draft.names, BACK, TOP, HANG_UP]))


def unknown_flows(draft: Draft, drafts: Iterable[Draft]) -> Iterator[Problem]:
    """Exits that lead to a flow that is not there."""
    known = {other.flow.name for other in drafts}
    for where, target in draft.targets():
        flow = target.removeprefix(FLOW_PREFIX)
        if target.startswith(FLOW_PREFIX) and flow not in known:
            yield draft.problem(where, f"unknown flow '{flow}'", suggest(flow, known))


def _ways(draft: Draft, node: Node) -> set[str]:
    """Where a node can lead, shortcut keys included."""
    ways = {str(value) for _, value in walk(node) if isinstance(value, Target)}
    if isinstance(node, Menu):
        ways |= {BACK} if node.back else set()
        ways |= {TOP} if node.top else set()
    if node.type in ("menu", "collect"):
        ways |= {str(target) for target in draft.flow.keys.values()}
    return ways


def unreachable(draft: Draft) -> Iterator[Problem]:
    """Nodes that no caller can come to."""
    flow = draft.flow
    seen: set[str] = set()
    ahead = [str(flow.start), *([str(flow.on_error)] if flow.on_error else [])]
    while ahead:
        name = ahead.pop()
        if name in flow.nodes and name not in seen:
            seen.add(name)
            ahead.extend(_ways(draft, flow.nodes[name]))
    for name in flow.nodes:
        if name not in seen:
            yield Problem(draft.source.where_key(("nodes", name)), f"no way leads to the node '{name}'", "lead an exit to it, or remove it")


def dead_ends(draft: Draft) -> Iterator[Problem]:
    """Nodes from which a caller can never come to an end other than by hanging up."""
    flow = draft.flow
    edges = {name: _ways(draft, node) for name, node in flow.nodes.items()}
    menus = {name for name, node in flow.nodes.items() if isinstance(node, Menu) or name == flow.start}
    before: dict[str, list[str]] = {BACK: [], TOP: []}  # by target; `back` and `top` lead to a menu that came before, else to the start
    for name, ways in edges.items():
        for way in ways:
            before.setdefault(way, []).append(name)
    good = {name for name, node in flow.nodes.items() if isinstance(node, Hangup | Queue | Transfer)}
    good |= {name for name, ways in edges.items() if any(way == HANG_UP or way.startswith(FLOW_PREFIX) for way in ways)}
    ahead = list(good)
    back_is_good = False
    while ahead:
        name = ahead.pop()
        more = before.get(name, [])
        if not back_is_good and name in menus:
            back_is_good = True
            more = [*more, *before[BACK], *before[TOP]]
        new = set(more) - good
        good |= new
        ahead.extend(new)
    for name in flow.nodes:
        if name not in good:
            yield Problem(
                draft.source.where_key(("nodes", name)), f"the call can never end from the node '{name}'", "add a way to a hangup"
            )


_AT_ONCE = ("full", "closed", "no_agents", "overflowed", "withdrawn", "failed", "busy", "unreachable", "not_allowed")
Step = tuple[str, str]  # flow and node


def circles(drafts: Iterable[Draft]) -> Iterator[Problem]:
    """Circles, also over several flows, in which nobody is asked or waited for: the call would spin."""
    known = {draft.flow.name: draft for draft in drafts}
    edges = {
        (draft.flow.name, name): _steps(draft, node, known)
        for draft in known.values()
        for name, node in draft.flow.nodes.items()
        if not node.waits or isinstance(node, Queue | Transfer)
    }
    rest = _endless(edges)
    reported = set[Step]()
    for step in rest:
        way: dict[Step, None] = {}
        while step not in way and step not in reported:
            way[step] = None
            step = next(target for target in edges[step] if target in rest)
        if step not in reported:
            yield _circle_problem(list(way)[list(way).index(step) :], known)
        reported.update(way)


def _steps(draft: Draft, node: Node, known: Mapping[str, Draft]) -> list[Step]:
    """Where a call can go on at once, that is without an input, an answer or a wait."""
    if isinstance(node, Queue | Transfer):
        outcomes = [outcome for outcome in _AT_ONCE if hasattr(node, outcome)]
        ways = list(dict.fromkeys(str(node.target(outcome)) for outcome in outcomes))
    else:
        ways = sorted(_ways(draft, node))
    found = []
    for way in ways:
        other = known.get(way.removeprefix(FLOW_PREFIX)) if way.startswith(FLOW_PREFIX) else None
        found.append((other.flow.name, str(other.flow.start)) if other else (draft.flow.name, way))
    return found


def _endless(edges: Mapping[Step, list[Step]]) -> dict[Step, None]:
    """The steps from which a call can go on for ever, in the order of the files."""
    before: dict[Step, list[Step]] = {}
    left: dict[Step, int] = {}
    for step, targets in edges.items():
        inside = {target for target in targets if target in edges}
        left[step] = len(inside)
        for target in inside:
            before.setdefault(target, []).append(step)
    gone = [step for step, number in left.items() if not number]
    ended = set(gone)
    while gone:
        for step in before.get(gone.pop(), ()):
            left[step] -= 1
            if not left[step]:
                ended.add(step)
                gone.append(step)
    return {step: None for step in edges if step not in ended}


def _circle_problem(circle: list[Step], known: Mapping[str, Draft]) -> Problem:
    flow, node = circle[0]
    draft = known[flow]
    where = draft.source.where_key(("nodes", node))
    several = len({step[0] for step in circle}) > 1
    way = " -> ".join(f"{step[0]}.{step[1]}" if several else step[1] for step in [*circle, circle[0]])
    if any(isinstance(known[step[0]].flow.nodes[step[1]], Queue | Transfer) for step in circle):
        hint = "lead its other exits to a node that ends the call or asks the caller"
        return Problem(where, f"a call that is refused at once goes in a circle: {way}", hint)
    if several:
        return Problem(where, f"these flows lead in a circle without any input: {way}", "put a menu or a collect into it, or an exit")
    named = ", ".join(f"'{step[1]}'" for step in circle)
    return Problem(where, f"the nodes {named} form a circle without any input", "put a menu or a collect into it, or an exit")
