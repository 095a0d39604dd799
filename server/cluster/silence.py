"""When is a server frozen? A pure judge of silence: only time in which the server could have answered counts."""

from dataclasses import dataclass
from typing import Literal

ASK_EVERY_S = 0.25
STILL_AFTER_S = 1.0  # silent and not even at work for so long: its calls are moved
END_AFTER_S = 3.0  # silent for so long, though it may be at work: it is ended

Verdict = Literal["", "still", "dead"]


@dataclass(slots=True)
class Silence:
    """Of one server. On a machine that does too much, whoever asks is late, and who is asked waits for a processor: neither is silence.

    `heard` or `unheard` is called each time that it was asked; both take the seconds since the time before.
    """

    silent_s: float = 0.0
    idle_s: float = 0.0  # of that, when it did not work either
    verdict: Verdict = ""
    patience_s: float = STILL_AFTER_S

    def heard(self) -> bool:
        """It answers. True when its silence had been noticed."""
        noticed = self.verdict != ""
        self.silent_s, self.idle_s, self.verdict = 0.0, 0.0, ""
        return noticed

    def unheard(self, passed_s: float, *, worked_s: float = 0.0, held_up_s: float = 0.0) -> Verdict:
        """It does not answer. `worked_s`: it had a processor; `held_up_s`: it waited for one. A verdict is given once."""
        late_s = passed_s - ASK_EVERY_S
        could_s = max(0.0, passed_s - max(late_s, held_up_s, 0.0))
        self.silent_s += could_s
        self.idle_s += max(0.0, could_s - worked_s)
        before, self.verdict = self.verdict, self._verdict()
        return self.verdict if self.verdict != before else ""

    def _verdict(self) -> Verdict:
        if self.silent_s >= END_AFTER_S:
            return "dead"
        return "still" if self.verdict or self.idle_s >= self.patience_s else ""
