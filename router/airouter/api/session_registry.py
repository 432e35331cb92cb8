"""The sessions of this process: those that are open, and what all of them share."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from airouter.api.endpoints import SESSION
from airouter.failures import Failure
from airouter.telemetry.record import RequestRecord

if TYPE_CHECKING:
    from airouter.admission import Admission
    from airouter.api.websocket import WebSocketProtocol
    from airouter.eventloop.aside import Aside
    from airouter.eventloop.outbox import Outbox
    from airouter.eventloop.turns import Turns
    from airouter.pipeline import Pipeline
    from airouter.responses.caller import ServeCaller

PING_EVERY = 15.0
"""Seconds between two pings, unless heartbeats are more frequent."""
LIFE = 3600.0
"""Seconds of a connection."""


class SessionRegistry:
    """The sessions of this process: those that are open, and what all of them share."""

    def __init__(
        self,
        pipeline: Pipeline,
        serve: ServeCaller,
        outbox: Outbox,
        turns: Turns,
        admission: Admission,
        aside: Aside,
        *,
        most_bytes: int,
        life: float = LIFE,
    ) -> None:
        """`most_bytes` bounds a message; `life` is in seconds."""
        self.pipeline = pipeline
        self.serve = serve
        self.outbox = outbox
        self.turns = turns
        self.admission = admission
        self.aside = aside
        self.most_bytes = most_bytes
        self.life = life
        self.open: set[WebSocketProtocol] = set()

    def ping_every(self) -> float:
        """Return the seconds between two pings: at most those between heartbeats."""
        serving = self.pipeline.serving
        heartbeat = 0.0 if serving is None else serving.snapshot.retries.heartbeat
        return min(heartbeat or PING_EVERY, PING_EVERY)

    def recheck_keys(self) -> None:
        """End what was opened with keys that are no longer good; called after a reload."""
        accounts = self.pipeline.current().accounts.values()
        credentials = {each.credential.name: each.credential for each in accounts}
        for protocol in list(self.open):
            protocol.recheck_keys(credentials)

    def note_refused(self, failure: Failure) -> None:
        """Record a message that never became a request."""
        now = monotonic()
        record = RequestRecord(SESSION.path, "", "", now, "GET", session=True)
        record.status, record.error = failure.status, failure.code or failure.type
        record.first_byte = record.ended = now
        self.admission.record(record)

    def end_of_life(self) -> Failure:
        """Return what a client is told whose connection has lived long enough."""
        return Failure(
            400,
            f"A connection lives {self.life / 60:g} minutes: open a new one.",
            code="websocket_connection_limit_reached",
        )
