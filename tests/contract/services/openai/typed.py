"""Requests of Responses in the words of the SDK's types, of which the service takes more."""

from __future__ import annotations

from contract.services.stand_in import Body

OF_CODEX = frozenset({"client_metadata"})
"""Fields that Codex sends, and the SDK does not know."""


def as_typed(body: Body) -> Body:
    """A body as the types have it, of which the service takes more: fields at their defaults."""
    typed = {name: value for name, value in body.items() if name not in OF_CODEX}
    if isinstance(body.get("input"), list):
        typed["input"] = [typed_item(each) for each in body["input"] if not of_codex(each)]
    if "tools" in body:
        typed["tools"] = [function_of(each) for each in body["tools"]]
    return typed


def of_codex(item: Body) -> bool:
    """Whether an item is one that Codex sends, and no type of the SDK has."""
    return item.get("type") == "agent_message"


def typed_item(item: Body) -> Body:
    """An item whose images have a `detail`; no type has the ids of clients' messages."""
    own = item.get("role") in {"user", "developer", "system"}
    typed = {name: item[name] for name in item if name != "id" or not own}
    if item.get("role") == "user" and isinstance(item["content"], list):
        images = {"input_image": {"detail": "auto"}}
        typed["content"] = [images.get(part["type"], {}) | part for part in item["content"]]
    return typed


def function_of(tool: Body) -> Body:
    """A function with all of its fields, as a response repeats it."""
    open_fields = {"description": None, "parameters": None, "strict": True}
    return open_fields | tool if tool.get("type") == "function" else tool
