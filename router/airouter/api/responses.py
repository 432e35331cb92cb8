"""The endpoints of the Responses API for stored responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from airouter.api.parts import parts_of, principal_of
from airouter.failures import invalid_field
from airouter.responses.page import LISTED, Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from fastapi import APIRouter
    from starlette.types import Receive, Scope, Send

    from airouter.responses.stored_responses import StoredResponses

PATH = "/v1/responses/{response_id}"
JSON = "application/json"


def add_responses(routes: APIRouter) -> None:
    """Add the endpoints that retrieve, follow, delete, cancel, and list the input."""

    def kept(request: Request) -> StoredResponses:
        principal = principal_of(request)
        parts = parts_of(request)
        return parts.responses.stored_responses_of(principal, parts.pipeline.current())

    def answer(body: bytes) -> Response:
        return Response(body, media_type=JSON)

    @routes.get(PATH, tags=["OpenAI"], response_model=None)
    async def retrieve_response(response_id: str, request: Request) -> Response:
        query = dict(request.query_params)
        if query.get("stream") != "true":
            return answer(await kept(request).retrieve(response_id, query))
        after = whole_number(query, "starting_after", -1)
        events = await kept(request).follow(response_id, after, query)
        return EventsResponse(events)

    @routes.delete(PATH, tags=["OpenAI"], response_model=None)
    async def delete_response(response_id: str, request: Request) -> Response:
        return answer(await kept(request).delete(response_id))

    @routes.post(PATH + "/cancel", tags=["OpenAI"], response_model=None)
    async def cancel_response(response_id: str, request: Request) -> Response:
        return answer(await kept(request).cancel(response_id))

    @routes.get(PATH + "/input_items", tags=["OpenAI"], response_model=None)
    async def list_input_items(response_id: str, request: Request) -> Response:
        query = dict(request.query_params)
        return answer(await kept(request).input_items(response_id, page_of(query), query))


class EventsResponse(StreamingResponse):
    """Streams events, and lets go of them also where the client has left before the first."""

    def __init__(self, events: AsyncIterator[bytes]) -> None:
        super().__init__(events, media_type="text/event-stream")
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            close = getattr(self._events, "aclose", None)
            if close is not None:
                await close()


def page_of(query: Mapping[str, str]) -> Page:
    """Return the page of items that a query asks for. Raises `Failure` 400."""
    return Page(
        query.get("after"), whole_number(query, "limit", LISTED), query.get("order", "desc")
    )


def whole_number(query: Mapping[str, Any], name: str, default: int) -> int:
    """Return a whole number of a query. Raises `Failure` 400."""
    try:
        return int(query.get(name, default))
    except ValueError:
        raise invalid_field(name, f"'{name}' must be a whole number.") from None
