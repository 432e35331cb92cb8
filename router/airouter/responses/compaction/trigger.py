"""The answer to a request whose last item asks for compaction."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.openai_usage import render_responses_usage
from airouter.responses.compaction.items import whole_item
from airouter.responses.events import added_events, event
from airouter.responses.held_exchange import HeldExchange
from airouter.responses.items import input_items, item_fields, split_items
from airouter.responses.request import TRIGGER
from airouter.responses.unanswered import EVENT_STREAM, JSON, unanswered_response
from airouter.untrusted import holds

if TYPE_CHECKING:
    from airouter.responses.compaction.compactor import Compactor
    from airouter.responses.turn import ResponsesTurn


def has_trigger(turn: ResponsesTurn) -> bool:
    """True where the last item of the input asks for compaction. Raises `Failure` 400."""
    if not holds(turn.request.body, TRIGGER):
        return False
    items = input_items(turn.request.fields.get("input"))
    if not holds(items, TRIGGER):
        return False
    return item_fields(split_items(items)[-1]).type == "compaction_trigger"


async def answer_trigger(turn: ResponsesTurn, compactor: Compactor) -> None:
    """Answer with a compaction of all the items before the trigger. Raises `Failure`."""
    request = turn.request

    def before_trigger() -> list[msgspec.Raw]:
        return split_items(input_items(request.fields.get("input")))[:-1]

    items = await turn.aside.by_size(len(request.body), before_trigger)
    turn.hand_over()
    summary = await compactor.compact(items, turn)
    make = partial(whole_item, summary, turn.tenant.seals)
    item = await turn.aside.by_size(len(request.body), make)
    begun = await unanswered_response(request, request.fields, turn.aside)
    response = {
        **begun,
        "status": "completed",
        "completed_at": int(time.time()),
        "output": [item],
        "usage": render_responses_usage(summary.usage),
    }
    exchange = HeldExchange(turn)
    if not request.stream:
        exchange.respond(200, JSON, msgspec.json.encode(response))
    else:
        exchange.start(200, EVENT_STREAM)
        exchange.write(event("response.created", 0, {"response": begun}))
        exchange.write(event("response.in_progress", 1, {"response": begun}))
        exchange.write(added_events(item, 0, 2))
        exchange.write(event("response.completed", 4, {"response": response}))
    await exchange.settle()
