"""How offers and talks end."""

from typing import Literal

OfferOutcome = Literal["answered", "declined", "busy", "rang_out", "unreachable", "withdrawn", "failed"]
Refusal = Literal["redirected", "no_audio", ""]  # what more is known of an offer that came to nothing
EndedBy = Literal["caller", "agent", "system", "transfer", ""]
EndReason = Literal["no_audio_from_caller", "no_audio_from_agent", ""]  # why the system ended it, where that is known
