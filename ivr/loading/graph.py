"""Rules about where exits lead: to nodes that exist, that can be reached, that come to an end, and not in a circle without the caller."""

from collections.abc import Iterable, Iterator, Mapping

from ivr.flow.model import BACK, FLOW_PREFIX, HANG_UP, RESERVED, TOP, Flow, Node, Target, walk
from ivr.flow.nodes.hangup import Hangup
from ivr.flow.nodes.menu import Menu
from ivr.flow.nodes.queue import Queue
from ivr.flow.nodes.transfer import Transfer
from ivr.loading.draft import Draft
from ivr.loading.problems import Problem, suggest


def check_graph(draft: Draft) -> Iterator[Problem]:
    """Every rule of this file that one flow alone can break; the later ones only where the graph is whole."""
    unknown = list(unknown_targets(draft))
    yield from unknown
    if draft.complete and not unknown:
        yield from unreachable(draft)
        yield from dead_ends(draft)
        yield from runaways(draft)


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
    good = {name for name, node in flow.nodes.items() if isinstance(node, Hangup | Queue | Transfer)}
    edges = {name: _ways(draft, node) for name, node in flow.nodes.items()}
    good |= {name for name, ways in edges.items() if any(way == HANG_UP or way.startswith(FLOW_PREFIX) for way in ways)}
    menus_end = True
    while menus_end:
        more = {name for name, ways in edges.items() if name not in good and (ways & good or _returns_to_good(ways, flow, good))}
        good |= more
        menus_end = bool(more)
    for name in flow.nodes:
        if name not in good:
            yield Problem(
                draft.source.where_key(("nodes", name)), f"the call can never end from the node '{name}'", "add a way to a hangup"
            )


def _returns_to_good(ways: set[str], flow: Flow, good: set[str]) -> bool:
    """`back` and `top` lead to a menu that came before; to the start when there was none."""
    return bool(ways & {BACK, TOP}) and any(
        name in good for name, node in flow.nodes.items() if isinstance(node, Menu) or name == flow.start
    )


def runaways(draft: Draft) -> Iterator[Problem]:
    """Circles in which nobody is asked or waited for: the call would spin."""
    flow = draft.flow
    quick = {name: _ways(draft, node) for name, node in flow.nodes.items() if not node.waits}
    rest = dict(quick)
    while gone := [name for name, ways in rest.items() if not ways & rest.keys()]:
        for name in gone:
            del rest[name]
    circle = [name for name in rest if _comes_back(name, rest)]
    if circle:
        named = ", ".join(f"'{name}'" for name in circle)
        where = draft.source.where_key(("nodes", circle[0]))
        yield Problem(where, f"the nodes {named} form a circle without any input", "put a menu or a collect into it, or an exit")


def _comes_back(start: str, edges: Mapping[str, set[str]]) -> bool:
    seen: set[str] = set()
    ahead = list(edges[start])
    while ahead:
        name = ahead.pop()
        if name == start:
            return True
        if name in edges and name not in seen:
            seen.add(name)
            ahead.extend(edges[name])
    return False
