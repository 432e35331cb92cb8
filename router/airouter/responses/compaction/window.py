"""The answer of `/v1/responses/compact`: a window of items to go on from."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.openai_usage import render_responses_usage
from airouter.failures import Failure
from airouter.responses.compaction.items import window_of
from airouter.responses.items import input_items, split_items
from airouter.responses.unanswered import JSON

if TYPE_CHECKING:
    from airouter.responses.compaction.compactor import Compactor
    from airouter.responses.turn import ResponsesTurn


async def answer_window(turn: ResponsesTurn, compactor: Compactor) -> None:
    """Answer with the input made short. Raises `Failure`."""
    size = len(turn.request.body)

    def given() -> list[msgspec.Raw]:
        return split_items(input_items(turn.request.fields.get("input")))

    items = await turn.aside.by_size(size, given)
    if not items:
        raise Failure(400, "Missing required parameter: 'input'.", param="input")
    turn.hand_over()
    summary = await compactor.compact(items, turn)

    def window() -> bytes:
        body = {
            "id": f"resp_{secrets.token_hex(18)}",
            "object": "response.compaction",
            "created_at": int(time.time()),
            "output": window_of(summary, turn.tenant.seals),
            "usage": render_responses_usage(summary.usage),
        }
        return msgspec.json.encode(body)

    turn.exchange.respond(200, JSON, await turn.aside.by_size(size, window))
