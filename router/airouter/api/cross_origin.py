"""Answers for pages of other sites, over ASGI; the hot paths add the same headers in `edge/`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.http.cors import ORIGIN, allowance, preflight_answer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from airouter.admission import Admission


class CrossOrigin:
    """Answers preflights, and adds to every answer what a page may read of it."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request of an origin on, unless it is a preflight; others go as they came."""
        headers = dict(scope.get("headers", ()))
        cors = self._admission.cors
        if cors is None or ORIGIN not in headers:
            await self._app(scope, receive, send)
            return
        answer = preflight_answer(cors, scope.get("method", ""), headers)
        if answer is not None:
            await send({"type": "http.response.start", "status": 204, "headers": answer})
            await send({"type": "http.response.body", "body": b""})
            return
        allowed = allowance(cors, headers[ORIGIN])

        async def send_allowed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *allowed]
            await send(message)

        await self._app(scope, receive, send_allowed)
