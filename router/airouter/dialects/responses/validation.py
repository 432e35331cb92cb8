"""Refusals of requests beyond their types, in OpenAI's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.responses import schema
from airouter.dialects.responses.local_tools import is_the_clients
from airouter.failures import Failure, invalid_field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.conversation import Json

RANGES = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "top_logprobs": (0, 20),
    "max_output_tokens": (1, 2**31),
    "max_tool_calls": (1, 2**31),
}
MOST_METADATA, LONGEST_KEY, LONGEST_VALUE = 16, 64, 512
CALLS = {
    "function_call": "function call",
    "custom_tool_call": "custom tool call",
    "local_shell_call": "local shell call",
    "shell_call": "shell call",
    "apply_patch_call": "apply patch call",
    "tool_search_call": "tool search call",
}
"""Items that need an output."""
OUTPUTS = {f"{type_}_output": words for type_, words in CALLS.items()}
OUTPUTS["tool_search_output"] = OUTPUTS.pop("tool_search_call_output")


def check_request(request: schema.Request) -> None:
    """Check the fields. Raises `Failure` 400."""
    for name, (least, most) in RANGES.items():
        value = getattr(request, name)
        if value is not None and not least <= value <= most:
            raise invalid_field(name, f"'{name}' must be from {least} to {most}.")
    for name, what in schema.NOT_YET.items():
        if getattr(request, name):
            message = f"A request that {what} is not served for this model: leave '{name}' out."
            raise Failure(400, message, param=name, code="unsupported_parameter")
    check_metadata(request.metadata or {})


def check_metadata(metadata: dict[str, str]) -> None:
    """Check the number and the lengths of pairs. Raises `Failure` 400."""
    if len(metadata) > MOST_METADATA:
        raise invalid_field("metadata", f"'metadata' has at most {MOST_METADATA} pairs.")
    for key, value in metadata.items():
        if len(key) > LONGEST_KEY or len(value) > LONGEST_VALUE:
            what = (
                f"'metadata' takes keys of {LONGEST_KEY} and values of {LONGEST_VALUE} characters."
            )
            raise invalid_field("metadata", what)


def check_outputs(items: Sequence[Json]) -> None:
    """Check that calls and outputs match. Raises `Failure` 400."""
    waiting: dict[str, str] = {}
    called: dict[str, str] = {}
    for item in items:
        kind = str(item.get("type"))
        if not is_the_clients(item):
            continue
        if kind in CALLS:
            called.update(dict.fromkeys(known_by(item), str(item["call_id"])))
            waiting[item["call_id"]] = CALLS[kind]
        elif kind in OUTPUTS:
            found = [called[id_] for id_ in known_by(item) if id_ in called]
            if not found:
                id_ = item.get("call_id") or item.get("id")
                raise unmatched(f"No tool call found for {OUTPUTS[kind]} output with call_id", id_)
            waiting.pop(found[0], None)
    for id_, words in waiting.items():
        raise unmatched(f"No tool output found for {words}", id_)


def known_by(item: Json) -> list[str]:
    """Return the ids of a call: some clients answer the local shell by its item's id."""
    local = str(item.get("type")).startswith("local_shell")
    names = ("call_id", "id") if local else ("call_id",)
    return [item[name] for name in names if item.get(name)]


def unmatched(what: str, id_: object) -> Failure:
    """Return the `Failure` for a call without its output, or an output without its call."""
    return Failure(400, f"{what} {str(id_)[:64]}.", param="input")
