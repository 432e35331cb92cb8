"""Items of the input that change the request: its settings, and its tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from airouter.dialects.responses import schema
from airouter.dialects.responses.item_structs import as_struct
from airouter.dialects.responses.local_tools import is_the_clients

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airouter.dialects.conversation import Json

S = TypeVar("S", schema.ReasoningConfig, schema.TextConfig)


def updated(request: schema.Request) -> schema.Request:
    """Return the request with the settings in force at its end. Raises `Failure` 400."""
    reasoning, text = request.reasoning, request.text
    for at, item in items_of(request, "configuration_update"):
        update = as_struct(item, schema.ConfigurationUpdate, at)
        reasoning = overlaid(reasoning, update.reasoning)
        text = overlaid(text, update.text)
    if reasoning is request.reasoning and text is request.text:
        return request
    return msgspec.structs.replace(request, reasoning=reasoning, text=text)


def overlaid(before: S | None, update: S | None) -> S | None:
    """Return settings with the fields that an update has."""
    if before is None or update is None:
        return update or before
    fields = msgspec.structs.asdict(update)
    new = {name: value for name, value in fields.items() if value is not None}
    return msgspec.structs.replace(before, **new)


def added_tools(request: schema.Request) -> list[tuple[str, Json]]:
    """Return the tools that items add, with their places. Raises `Failure` 400."""
    return [
        (f"{at}.tools[{number}]", tool)
        for at, item in items_of(request, "additional_tools", "tool_search_output")
        if is_the_clients(item)
        for number, tool in enumerate(as_struct(item, schema.AdditionalTools, at).tools)
    ]


def items_of(request: schema.Request, *kinds: str) -> Iterator[tuple[str, Json]]:
    """Yield the items of some types, with their places."""
    for number, item in enumerate(given_items(request)):
        if item.get("type") in kinds:
            yield f"input[{number}]", item


def given_items(request: schema.Request) -> Sequence[Json]:
    """Return the items of the input."""
    return request.input if isinstance(request.input, list) else ()
