"""`/vhealth`: readiness for machines, the page of `web/` for people, and its live updates.

Whoever asks for JSON gets that, everybody else the page; the status says in both whether the router
is ready. Names are shown to whoever may see them: see `web.board.Audience`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from fastapi.responses import JSONResponse, RedirectResponse, Response

from airouter.api.asgi import until_disconnect
from airouter.api.health import health_of
from airouter.failures import Failure
from airouter.web.board import Audience
from airouter.web.live import LivePage
from airouter.web.page import HealthPage
from airouter.web.signing import LASTS, SignIns
from airouter.web.view import PageView

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import Request
    from starlette.types import Receive, Scope, Send

    from airouter.api.health import State
    from airouter.pipeline import Pipeline

PATH = "/vhealth"
EVENTS, SIGN_IN, SIGN_OUT = f"{PATH}/events", f"{PATH}/sign-in", f"{PATH}/sign-out"
KEYLESS = frozenset((SIGN_IN, SIGN_OUT, EVENTS))
"""Paths whose requests are read although they have no key."""
COOKIE = "airouter_page"
LARGEST_FORM = 4_096
"""Bytes."""
HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "vary": "accept, cookie",
}
REFUSALS = {
    "refused": "This is not the master key.",
    "early": "No configuration has come yet, and so no master key.",
    "later": "Too many wrong keys: try again in a minute.",
}


class HealthSite:
    """The page, its stream, and who is signed in."""

    def __init__(self, state: State, pipeline: Pipeline) -> None:
        self._state = state
        self._pipeline = pipeline
        self._page = HealthPage()
        self._signed_in = SignIns()
        self.live = LivePage(PageView(state), self._page.part)

    async def show(self, request: Request) -> Response:
        """Return whether the router is ready, and how it is."""
        found = health_of(self._state)
        status = 200 if found.ready else 503
        if wants_json(request.headers.get("accept", "")):
            return JSONResponse(found.as_json(), status, headers=HEADERS)
        error = REFUSALS.get(request.query_params.get("sign-in", ""), "")
        board = await self.live.board()
        document = self._page.document(board, self._audience(request), error=error)
        policy = {"content-security-policy": self._page.policy}
        return Response(document, status, HEADERS | policy, media_type="text/html")

    async def follow(self, request: Request) -> Response:
        """Stream what changes on the page."""
        if self.live.is_full:
            raise Failure(503, "Too many people look at this page.", code="too_many_viewers")
        # A browser that connects again says what it has seen; at first the page says so.
        seen = request.headers.get("last-event-id") or request.query_params.get("since", "")
        return PageStream(self.live.frames(lambda: self._audience(request), seen))

    async def sign_in(self, request: Request) -> Response:
        """Take the master key, and give a cookie for it."""
        check_same_site(request)
        if self._state.snapshot is None:
            return to_page("early")
        address = request.client.host if request.client else ""
        if not self._signed_in.may_try(address):
            return to_page("later")
        key = await key_in(request)
        if not self._is_master(key):
            self._signed_in.note_failure(address)
            return to_page("refused")
        response = to_page()
        response.set_cookie(
            COOKIE,
            self._signed_in.sign_in(self._master_sha256() or ""),
            max_age=int(LASTS),
            path=PATH,
            httponly=True,
            samesite="strict",
            secure=is_encrypted(request),
        )
        return response

    async def sign_out(self, request: Request) -> Response:
        """Forget a browser."""
        check_same_site(request)
        self._signed_in.sign_out(request.cookies.get(COOKIE, ""), self._master_sha256())
        response = to_page()
        response.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="strict")
        return response

    def _audience(self, request: Request) -> Audience:
        token = request.cookies.get(COOKIE)
        if token and self._signed_in.knows(token, self._master_sha256()):
            return Audience.OWNER
        return Audience.NAMED if self._state.health_names else Audience.STRANGER

    def _master_sha256(self) -> str | None:
        snapshot = self._state.snapshot
        return None if snapshot is None else snapshot.auth.master_sha256

    def _is_master(self, key: bytes) -> bool:
        try:
            principal = self._pipeline.current().keyring.authenticate({b"x-api-key": key})
        except Failure:
            return False
        return principal.is_master


class PageStream(Response):
    """A response of frames, until their end or the client's."""

    def __init__(self, frames: AsyncIterator[bytes]) -> None:
        headers = HEADERS | {"x-accel-buffering": "no"}  # nginx would keep the stream to itself
        super().__init__(headers=headers, media_type="text/event-stream")
        del self.headers["content-length"]
        self._frames = frames

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the frames; a client that leaves ends them."""
        sending = asyncio.create_task(self._send(send))
        watching = asyncio.create_task(until_disconnect(receive))
        try:
            await asyncio.wait({sending, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            watching.cancel()
            await asyncio.wait({sending, watching})
        if not sending.cancelled():
            sending.result()

    async def _send(self, send: Send) -> None:
        start: dict[str, Any] = {"status": 200, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        async for frame in self._frames:
            await send({"type": "http.response.body", "body": frame, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def wants_json(accept: str) -> bool:
    """Return whether a client asks for JSON: it names it, and no page before it."""
    kinds = [part.partition(";")[0].strip() for part in accept.lower().split(",")]
    for kind in kinds:
        if kind in {"text/html", "application/xhtml+xml"}:
            return False
        if kind == "application/json" or kind.endswith("+json"):
            return True
    return False


def to_page(outcome: str = "") -> RedirectResponse:
    """Lead to the page, relative to where a proxy has put it."""
    query = f"?sign-in={outcome}#sign-in" if outcome else ""
    return RedirectResponse(f"../vhealth{query}", 303, HEADERS)


def check_same_site(request: Request) -> None:
    """Refuse forms of pages of others. Raises `Failure` 403.

    Browsers say by `Sec-Fetch-Site` where a form is from, older ones by `Origin` alone.
    """
    headers = request.headers
    origin = headers.get("origin")
    site = headers.get("sec-fetch-site")
    if site is not None:
        is_own = site in {"same-origin", "none"}
    else:
        is_own = origin is None or urlsplit(origin).netloc == headers.get("host")
    if not is_own:
        raise Failure(403, "This form is not from this page.", code="cross_site")


def is_encrypted(request: Request) -> bool:
    """Return whether the browser came by HTTPS, to this process or to a proxy before it."""
    forwarded = request.headers.get("x-forwarded-proto", "")
    return "https" in {request.url.scheme, forwarded.split(",")[0].strip()}


async def key_in(request: Request) -> bytes:
    """Return the key that a form has; empty without one. Raises `Failure` 413."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_FORM:
            raise Failure(413, "The form is too large.", code="request_too_large")
    try:
        fields = parse_qs(body.decode("latin-1"), max_num_fields=8)
    except ValueError:
        return b""
    return fields.get("key", [""])[0].strip().encode()
