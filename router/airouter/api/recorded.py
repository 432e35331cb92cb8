"""Counts and logs the requests that no pipeline serves: unknown paths, models, documents, refusals.

Those to models are recorded by the pipeline, whatever door they came by. Probes and scrapes are not
recorded: they would be most of a log.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from airouter.api.asgi import DOOR, REQUEST_ID, Door
from airouter.telemetry.record import LONGEST_ERROR, RequestRecord

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from airouter.admission import Admission

PROBES = frozenset({"/health", "/vhealth", "/metrics"})
LONGEST_PATH = 256
"""Characters of a path that are logged."""


class Recorded:
    """Records every request that does not go to a model."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and record it once it is over."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path in PROBES:
            await self._app(scope, receive, send)
            return
        door = scope[DOOR] = Door()
        record = RequestRecord(path[:LONGEST_PATH], "", "", monotonic(), scope["method"])

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.note_start(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except asyncio.CancelledError:
            record.status = 499
            raise
        except Exception:
            record.status = record.status or 500
            raise
        finally:
            if not door.served:
                record.request_id = scope.get(REQUEST_ID, "")
                record.principal = door.principal
                record.error = door.error and door.error[:LONGEST_ERROR]
                record.ended = monotonic()
                self._admission.record(record)
