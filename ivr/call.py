"""What a flow knows of the call that it serves: who called which number, the language, and the variables read and written on the way."""

from dataclasses import dataclass, field

BUILT_IN_VARIABLES = frozenset({"ani", "dnis", "language", "call", "caller_list"})
MASK = "****"


@dataclass(frozen=True, slots=True)
class Place:
    """A caller's place in a queue: as of `from_ms`, and since `left_ms` the caller is somewhere else in the flow (0: is in the queue)."""

    from_ms: int
    left_ms: int = 0


@dataclass(slots=True)
class CallContext:
    """One call. Variables are text; `sensitive` names those whose values must never be shown, logged or sent to a screen.

    `caller_list` is the site's list in which the caller's number is; `places` are the caller's in queues that keep them;
    `data` is what agents are shown, by the queues so far.
    """

    id: str
    ani: str = ""
    dnis: str = ""
    language: str = ""
    variables: dict[str, str] = field(default_factory=dict, repr=False)
    sensitive: set[str] = field(default_factory=set)
    caller_list: str = ""
    places: dict[str, Place] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)

    def known(self) -> dict[str, str]:
        """Every variable with its value, the built-in ones included."""
        own = {"ani": self.ani, "dnis": self.dnis, "language": self.language, "call": self.id, "caller_list": self.caller_list}
        return {**self.variables, **own}

    def shown(self) -> dict[str, str]:
        """The same for eyes: sensitive values masked."""
        return {name: MASK if name in self.sensitive and value else value for name, value in self.known().items()}
