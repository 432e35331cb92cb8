"""Layer 1 of the strict OpenAI: the shape of a request, held to the types of the official SDK.

The SDK's `Iterable[...]` would validate lazily, so its elements never, and a `TypedDict` lets
unknown keys pass: both are closed in pydantic's schema before a validator is made of it. How many
words a real refusal finds for a wrong shape is not imitated, only its field and code.
"""

from __future__ import annotations

from typing import Any

from openai.types import completion_create_params, embedding_create_params
from openai.types.chat import completion_create_params as chat_create_params
from pydantic import TypeAdapter, ValidationError
from pydantic_core import SchemaValidator

from contract.services.openai.refusals import Refusal, missing, unrecognized


def closed(node: Any) -> Any:
    """A core schema whose lists are read to their ends and whose objects take no other key."""
    if isinstance(node, list | tuple):
        return type(node)(map(closed, node))
    if not isinstance(node, dict):
        return node
    whole = {name: closed(part) for name, part in node.items()}
    if whole.get("type") == "generator":
        whole["type"] = "list"
    if whole.get("type") == "typed-dict":
        whole["extra_behavior"] = "forbid"
    return whole


def shape(typed_dict: Any) -> SchemaValidator:
    """A validator of one of the SDK's request types."""
    return SchemaValidator(closed(TypeAdapter(typed_dict).core_schema))


EMBEDDINGS = shape(embedding_create_params.EmbeddingCreateParams)
WHOLE = {
    "chat": shape(chat_create_params.CompletionCreateParamsNonStreaming),
    "completions": shape(completion_create_params.CompletionCreateParamsNonStreaming),
    "embeddings": EMBEDDINGS,
}
STREAMED = {
    "chat": shape(chat_create_params.CompletionCreateParamsStreaming),
    "completions": shape(completion_create_params.CompletionCreateParamsStreaming),
    "embeddings": EMBEDDINGS,
}


def check_shape(api: str, body: dict[str, Any]) -> None:
    """Raises `Refusal` for a body that the SDK's types do not allow."""
    shapes = STREAMED if body.get("stream") else WHOLE
    try:
        shapes[api].validate_python(as_typed(body), strict=True)
    except ValidationError as error:
        raise refusal_of(error, body) from None


def as_typed(body: dict[str, Any]) -> dict[str, Any]:
    """A body without what the service takes back of its own answers although no type has it.

    The SDK's guide appends a whole answer to the messages, `annotations` with it.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not all(isinstance(each, dict) for each in messages):
        return body
    return body | {
        "messages": [
            {name: part for name, part in each.items() if name != "annotations"}
            if each.get("role") == "assistant"
            else each
            for each in messages
        ]
    }


def refusal_of(error: ValidationError, body: dict[str, Any]) -> Refusal:
    """The refusal of an unknown or a missing field, else of the value that lies deepest."""
    found = error.errors(include_url=False, include_input=False)
    for each in found:
        if each["type"] == "extra_forbidden" and len(each["loc"]) == 1:
            return unrecognized(str(each["loc"][0]))
        if each["type"] == "missing" and len(each["loc"]) == 1:
            return missing(str(each["loc"][0]))
    param = max((param_of(each["loc"], body) for each in found), key=len)
    return Refusal(400, f"Invalid value for '{param}'.", param=param, code="invalid_value")


def param_of(location: tuple[int | str, ...], body: Any) -> str:
    """A place as OpenAI writes it (`messages[0].role`); names of union members are left out."""
    path = ""
    for step in location:
        if isinstance(step, int) and isinstance(body, list):
            path += f"[{step}]"
        elif isinstance(body, dict) and step in body:
            path += f".{step}" if path else str(step)
        else:
            continue
        body = body[step]
    return path
