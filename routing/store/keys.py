"""The names of everything that Hotline keeps in Redis for one routing domain.

All share the hash tag `{domain}`, so that they live in one slot of a Redis Cluster and one script may touch them all.

| key                            | type   | content                                                  | life                              |
|--------------------------------|--------|----------------------------------------------------------|-----------------------------------|
| `hotline:{main}:inbox`         | stream | messages for the router, field `json`                    | trimmed behind `position`         |
| `hotline:{main}:position`      | string | inbox entry up to which the records include the messages | for ever                          |
| `hotline:{main}:contacts`      | hash   | contact id -> `revision:json`                            | an entry until the contact ends   |
| `hotline:{main}:agents`        | hash   | agent id -> `revision:json`                              | for ever                          |
| `hotline:{main}:callers`       | hash   | number -> `revision:json` of what is remembered          | until a queue needs it no more    |
| `hotline:{main}:events`        | stream | the event log, field `json`                              | see LogLimits in port.py          |
| `hotline:{main}:dropped`       | string | position up to which events were dropped from the log    | for ever                          |
| `hotline:{main}:readers`       | hash   | durable reader -> position that it has confirmed         | an entry until it is closed       |
| `hotline:{main}:calls`         | hash   | call id -> its `call_arrived` event                      | an entry until the call ends      |
| `hotline:{main}:places`        | hash   | call id -> its last `node_entered` event                 | an entry until the call ends      |
| `hotline:{main}:totals`        | hash   | `queue what` -> how many contacts or offers              | for ever                          |
| `hotline:{main}:ended`         | zset   | call id -> when it ended, in ms                          | an hour                           |
| `hotline:{main}:orders:SERVER` | stream | orders for one server, field `json`                      | the last 10,000 or so; 1 h unused |
| `hotline:{main}:sent:WRITER`   | string | number of the last batch that a server's outbox wrote    | an hour unused                    |
| `hotline:{main}:count:NAME`    | string | how often something limited was done, such as a call out | as long as its limit counts       |
| `hotline:{main}:tries:NAME`    | hash   | tries of a secret, and until when none is taken          | until it was right; 24 h unused   |
| `hotline:{main}:lease`         | string | `token server` of the router that leads                  | the lease's                       |
| `hotline:{main}:tried`         | string | nothing: written to see whether it can be                | a second                          |
| `hotline:{main}:fence`         | string | the newest fencing token given out                       | for ever                          |
"""

from dataclasses import dataclass

INBOX_LIMIT = 100_000  # messages kept while no router reads; beyond it the oldest are dropped
ORDER_LIMIT = 10_000
ORDER_LIFE_MS = 3_600_000
SENT_LIFE_MS = 3_600_000  # longer than a copy of a batch can be held up on its way


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one domain."""

    domain: str

    def __post_init__(self) -> None:
        if not self.domain or any(sign in self.domain for sign in "{}:"):
            raise ValueError(f"a routing domain's name must not be empty and must not have '{{', '}}' or ':' in it; found {self.domain!r}")

    def _key(self, name: str) -> str:
        return f"hotline:{{{self.domain}}}:{name}"

    @property
    def inbox(self) -> str:
        return self._key("inbox")

    @property
    def position(self) -> str:
        return self._key("position")

    @property
    def contacts(self) -> str:
        return self._key("contacts")

    @property
    def agents(self) -> str:
        return self._key("agents")

    @property
    def callers(self) -> str:
        return self._key("callers")

    @property
    def events(self) -> str:
        return self._key("events")

    @property
    def dropped(self) -> str:
        return self._key("dropped")

    @property
    def readers(self) -> str:
        return self._key("readers")

    @property
    def calls(self) -> str:
        return self._key("calls")

    @property
    def places(self) -> str:
        return self._key("places")

    @property
    def totals(self) -> str:
        return self._key("totals")

    @property
    def ended(self) -> str:
        return self._key("ended")

    @property
    def lease(self) -> str:
        return self._key("lease")

    @property
    def fence(self) -> str:
        return self._key("fence")

    @property
    def tried(self) -> str:
        return self._key("tried")

    def count(self, name: str) -> str:
        return self._key(f"count:{name}")

    def tried_by(self, name: str) -> str:
        return self._key(f"tries:{name}")

    def sent(self, writer: str) -> str:
        return self._key(f"sent:{writer}")

    def orders(self, server: str) -> str:
        return self._key(f"orders:{server}")
