"""The answer to a request whose client does not wait: a queued response, and a job for the rest."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.responses.parse_request import parse_request
from airouter.failures import invalid_field
from airouter.responses.records import StoredResponse
from airouter.responses.unanswered import EVENT_STREAM, JSON, unanswered_response

if TYPE_CHECKING:
    from airouter.responses.background.jobs import Jobs
    from airouter.responses.turn import ResponsesTurn


async def start_in_background(turn: ResponsesTurn, jobs: Jobs, *, keeps: bool) -> None:
    """Answer at once, and let a job do the rest. Raises `Failure` 400, 429, 503.

    `keeps` says that the router stores responses at all.
    """
    if not turn.stores:
        what = "A response in the background must be stored: leave out 'store': false."
        if not keeps:
            what = "This router stores no responses, so it makes none in the background."
        raise invalid_field("background", what)
    request, exchange, archive = turn.request, turn.exchange, turn.tenant.archive
    await turn.aside.by_size(len(request.body), partial(parse_request, request.body))
    queued = await unanswered_response(request, request.fields, turn.aside)
    queued["status"] = "queued"
    record = StoredResponse(
        id=queued["id"],
        response=msgspec.json.encode(queued),
        items=turn.asked.items,
        model=request.model,
        beat=time.time(),
    )
    fields = {**turn.asked.fields, "stream": True, "store": True}
    body = await turn.aside.by_size(len(turn.asked.body), partial(msgspec.json.encode, fields))
    turn.hand_over()
    await jobs.start(dict(exchange.headers), body, record, archive, turn.tenant.recalled)
    if not request.stream:
        exchange.respond(200, JSON, record.response)
        return
    exchange.start(200, EVENT_STREAM)
    async for events in jobs.follow(archive, record.id, -1):
        exchange.write(events)
    exchange.end()
