"""Every node type by the name that YAML uses. A new type is one file here and one line below."""

from collections.abc import Mapping

from ivr.flow.model import Node
from ivr.flow.nodes.branch import Branch
from ivr.flow.nodes.collect import Collect
from ivr.flow.nodes.goto import Goto
from ivr.flow.nodes.hangup import Hangup
from ivr.flow.nodes.hours import HoursNode
from ivr.flow.nodes.lookup import Lookup
from ivr.flow.nodes.menu import Menu
from ivr.flow.nodes.play import Play
from ivr.flow.nodes.queue import Queue
from ivr.flow.nodes.say import Say
from ivr.flow.nodes.set import Set
from ivr.flow.nodes.transfer import Transfer

_TYPES: tuple[type[Node], ...] = (Play, Menu, Collect, Say, Set, Branch, HoursNode, Lookup, Queue, Transfer, Goto, Hangup)
NODE_TYPES: Mapping[str, type[Node]] = {node.type: node for node in _TYPES}
