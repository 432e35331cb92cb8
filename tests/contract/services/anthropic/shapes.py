"""Layer 1 of the strict Anthropic: the shape of a request, held to the types of the official SDK.

The SDK's types are turned into JSON Schema, for its `Iterable[...]` would validate lazily, so its
elements never; every object is closed. How many words a real refusal finds for a wrong shape is
not imitated, only its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from anthropic.types import message_count_tokens_params, message_create_params
from anthropic.types.beta import message_count_tokens_params as beta_count_tokens_params
from anthropic.types.beta import message_create_params as beta_create_params
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from pydantic import TypeAdapter

from contract.services.anthropic.refusals import Refusal, invalid

Body = dict[str, Any]

TYPES: dict[tuple[bool, bool], Any] = {
    (False, False): message_create_params.MessageCreateParamsNonStreaming,
    (False, True): beta_create_params.MessageCreateParamsNonStreaming,
    (True, False): message_count_tokens_params.MessageCountTokensParams,
    (True, True): beta_count_tokens_params.MessageCountTokensParams,
}
"""By whether tokens are counted only, and whether a beta is asked for."""
HEADERS = ("betas", "user_profile_id", "workspace_id")
"""Fields of the types that the SDK sends as headers."""
SAMPLING = {
    "temperature": {"type": "number"},
    "top_p": {"type": "number"},
    "top_k": {"type": "integer"},
}
"""No longer in the types, and still taken for older models."""
TAGS = ("type", "role")


def check_shape(body: Any, *, counting: bool, beta: bool) -> None:
    """Raises `Refusal` for a body that the SDK's types do not allow."""
    if not isinstance(body, dict):
        raise invalid("Input should be a valid dictionary")
    errors = list(validator(counting, beta).iter_errors(body))
    if errors:
        raise refusal_of(min(errors, key=lambda each: len(each.absolute_path)), body)


@cache
def validator(counting: bool, beta: bool) -> Draft202012Validator:
    """A validator of one of the SDK's request types."""
    schema = closed(TypeAdapter(TYPES[counting, beta]).json_schema())
    fields = {name: part for name, part in schema["properties"].items() if name not in HEADERS}
    if not counting:
        fields |= SAMPLING | {"stream": {"type": "boolean"}}
    return Draft202012Validator(schema | {"properties": fields})


def closed(node: Any) -> Any:
    """A schema whose objects take no other key than those that they name."""
    if isinstance(node, list):
        return [closed(each) for each in node]
    if not isinstance(node, dict):
        return node
    whole = {name: closed(part) for name, part in node.items()}
    if whole.get("type") == "object" and "properties" in whole:
        whole["additionalProperties"] = False
    return whole


def refusal_of(error: ValidationError, body: Body) -> Refusal:
    """The refusal of what lies deepest, as pydantic would put it."""
    error = deepest(error)
    path = list(error.absolute_path)
    wanted: Any = error.validator_value
    given: Any = error.instance
    known: Any = error.schema
    match error.validator:
        case "required":
            missing = next(name for name in wanted if name not in given)
            return invalid(f"{place(path, body, missing)}: Field required")
        case "additionalProperties":
            extra = next(name for name in given if name not in known["properties"])
            return invalid(f"{place(path, body, extra)}: Extra inputs are not permitted")
        case "enum":
            *first, last = map(repr, wanted)
            return invalid(f"{place(path, body)}: Input should be {', '.join(first)} or {last}")
        case "anyOf":
            return invalid(f"{place(path, body)}: Input does not match any of the expected tags")
        case "type":
            return invalid(f"{place(path, body)}: Input should be a valid {wanted}")
    return invalid(f"{place(path, body)}: Input should be {wanted!r}")


def deepest(error: ValidationError) -> ValidationError:
    """The error in the member of a union that was meant, and in the union within that."""
    while error.validator == "anyOf":
        members: dict[Any, list[ValidationError]] = {}
        for each in error.context or ():
            members.setdefault(each.schema_path[0], []).append(each)
        meant = [errors for errors in members.values() if not any(map(is_another, errors))]
        if not meant:
            break
        error = max((each for errors in meant for each in errors), key=depth)
    return error


def is_another(error: ValidationError) -> bool:
    """Whether a member of a union was not meant, by its tag or by the kind of the value."""
    step = error.relative_path[-1] if error.relative_path else None
    untagged = step is None and error.message == "'type' is a required property"
    wrong_kind = step is None and error.validator == "type"
    wrong_tag = step in TAGS and error.validator in {"const", "enum"}
    return untagged or wrong_kind or wrong_tag


def depth(error: ValidationError) -> int:
    return len(error.absolute_path)


def place(path: Sequence[str | int], body: Any, last: str | None = None) -> str:
    """A place as Anthropic writes it, with the tags of unions: `messages.0.content.1.text.text`."""
    written = []
    for position, step in enumerate(path):
        body = body[step]
        written.append(str(step))
        following = path[position + 1] if position + 1 < len(path) else last
        if isinstance(body, dict) and following not in {None, *TAGS} and step != "format":
            default = "custom" if path[0] == "tools" and position == 1 else None
            tag = body.get("type", default)
            written += [tag] if isinstance(tag, str) else []
    return ".".join([*written, *([last] if last else [])])
