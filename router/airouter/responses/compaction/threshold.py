"""Compaction where a request asks for it (`context_management`) and an answer has become long."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.failures import Failure, invalid_field
from airouter.responses.compaction.items import whole_item
from airouter.responses.events import added_events, data_of_last, event
from airouter.responses.items import input_items, joined_items, output_items, split_items

if TYPE_CHECKING:
    from airouter.responses.compaction.compactor import Compactor
    from airouter.responses.turn import ResponsesTurn

logger = logging.getLogger("airouter.responses")

Json = dict[str, Any]
DEFAULT = 200_000
"""Tokens, where a request names none."""


class CompactionRule(msgspec.Struct):
    """One entry of `context_management`."""

    type: str
    compact_threshold: int | None = None


def threshold_in(given: msgspec.Raw | None) -> int | None:
    """Return the tokens above which a request wants compaction, or None. Raises `Failure` 400."""
    if given is None:
        return None
    try:
        rules = msgspec.json.decode(given, type=list[CompactionRule] | None) or []
    except msgspec.ValidationError:
        what = "'context_management' must be a list of {type, compact_threshold}."
        raise invalid_field("context_management", what) from None
    for at, rule in enumerate(rules):
        if rule.type != "compaction":
            path = f"context_management[{at}].type"
            raise invalid_field(path, f"'{path}' must be 'compaction'.")
        tokens = DEFAULT if rule.compact_threshold is None else rule.compact_threshold
        if tokens < 1:
            path = f"context_management[{at}].compact_threshold"
            raise invalid_field(path, f"'{path}' must be at least 1.")
        return tokens
    return None


class Threshold:
    """Adds a compaction to a response that has become longer than its client wants."""

    def __init__(self, compactor: Compactor, turn: ResponsesTurn, tokens: int) -> None:
        self._compactor = compactor
        self._turn = turn
        self._tokens = tokens

    async def apply(self, held: bytes, *, streaming: bool) -> bytes:
        """Return the last event, or the body, with a compaction where one is due."""
        data = data_of_last(held) if streaming else held
        last: Json = msgspec.json.decode(data)
        response: Json = last["response"] if streaming else last
        if (response.get("usage") or {}).get("total_tokens", 0) <= self._tokens:
            return held
        try:
            item = await self._compacted(output_items(msgspec.json.encode(response)))
        except Failure as failure:
            logger.warning("a conversation was not compacted: %s", failure.message)
            return held
        response["output"].append(item)
        if not streaming:
            return msgspec.json.encode(response)
        number = last.pop("sequence_number")
        name = last.pop("type")
        added = added_events(item, len(response["output"]) - 1, number)
        return added + event(name, number + 2, last)

    async def _compacted(self, output: bytes) -> Json:
        turn, size = self._turn, len(self._turn.request.body) + len(output)

        def said() -> list[msgspec.Raw]:
            asked = input_items(turn.request.fields.get("input"))
            return split_items(joined_items((asked, turn.tenant.seals.open(output))))

        items = await turn.aside.by_size(size, said)
        summary = await self._compactor.compact(items, turn, is_part=True)
        return await turn.aside.by_size(size, partial(whole_item, summary, turn.tenant.seals))
