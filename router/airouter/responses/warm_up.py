"""The answer to a client that warms up: a response without any output, to go on from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.conversation import Usage
from airouter.dialects.openai_usage import render_responses_usage
from airouter.responses.events import event
from airouter.responses.held_exchange import HeldExchange
from airouter.responses.unanswered import EVENT_STREAM, unanswered_response

if TYPE_CHECKING:
    from airouter.responses.turn import ResponsesTurn

PLAIN = frozenset({"model", "instructions", "metadata", "previous_response_id", "store"})
"""What a response repeats of any request."""


async def answer_warm_up(turn: ResponsesTurn, *, native: bool) -> None:
    """Answer with nothing. Raises `Failure` 400, 503.

    Tools that only the provider knows are for it to check, with the first response.
    """
    fields = turn.request.fields
    if native:
        fields = {name: fields[name] for name in fields if name in PLAIN}
    begun = await unanswered_response(turn.request, fields, turn.aside)
    whole = begun | {
        "status": "completed",
        "completed_at": begun["created_at"],
        "usage": render_responses_usage(Usage()),
    }
    exchange = HeldExchange(turn)
    exchange.start(200, EVENT_STREAM)
    exchange.write(event("response.created", 0, {"response": begun}))
    exchange.write(event("response.in_progress", 1, {"response": begun}))
    exchange.write(event("response.completed", 2, {"response": whole}))
    await exchange.settle()
