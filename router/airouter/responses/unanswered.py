"""Responses that no model has answered yet: what warms up, compacts, or waits in the background."""

from __future__ import annotations

import secrets
import time
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.responses.parse_request import parse_request
from airouter.dialects.responses.render_response import response_object

if TYPE_CHECKING:
    from airouter.dialects.client_request import ClientRequest, Fields
    from airouter.dialects.conversation import Json
    from airouter.eventloop.aside import Aside

JSON = [(b"content-type", b"application/json")]
EVENT_STREAM = [(b"content-type", b"text/event-stream")]


def new_response_id() -> str:
    """Return an id that nobody guesses."""
    return f"resp_{secrets.token_hex(16)}"


async def unanswered_response(request: ClientRequest, fields: Fields, aside: Aside) -> Json:
    """Return the response to a request before its first item. Raises `Failure` 400, 503."""
    return await aside.by_size(len(request.body), partial(begun_response, request, fields))


def begun_response(request: ClientRequest, fields: Fields) -> Json:
    """Return the response to a request before its first item. Raises `Failure` 400."""
    conversation = parse_request(msgspec.json.encode({**fields, "input": "-"}))
    seed = (request.answer_id or new_response_id()).removeprefix("resp_")
    return response_object(conversation, seed, request.model, int(time.time()))
