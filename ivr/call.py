"""What a flow knows of the call that it serves: who called which number, the language, and the variables read and written on the way."""

from dataclasses import dataclass, field

BUILT_IN_VARIABLES = frozenset({"ani", "dnis", "language", "call"})
MASK = "****"


@dataclass(slots=True)
class CallContext:
    """One call. Variables are text; `sensitive` names those whose values must never be shown, logged or sent to a screen."""

    id: str
    ani: str = ""
    dnis: str = ""
    language: str = ""
    variables: dict[str, str] = field(default_factory=dict, repr=False)
    sensitive: set[str] = field(default_factory=set)

    def known(self) -> dict[str, str]:
        """Every variable with its value, the built-in ones included."""
        return {**self.variables, "ani": self.ani, "dnis": self.dnis, "language": self.language, "call": self.id}

    def shown(self) -> dict[str, str]:
        """The same for eyes: sensitive values masked."""
        return {name: MASK if name in self.sensitive and value else value for name, value in self.known().items()}
