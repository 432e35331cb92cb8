"""What the strict Anthropic wants of messages and of the blocks in them."""

from __future__ import annotations

import base64
import binascii

from contract.services.anthropic.refusals import invalid
from contract.services.anthropic.request import NEWER, Request

MAX_BREAKPOINTS = 4
ROLES = {
    "tool_use": "assistant",
    "thinking": "assistant",
    "redacted_thinking": "assistant",
    "server_tool_use": "assistant",
    "tool_result": "user",
}
"""Blocks that belong to one side."""


def there_are_messages(request: Request) -> None:
    if not request.messages:
        raise invalid("messages: at least one message is required")


def messages_say_something(request: Request) -> None:
    for number, message in enumerate(request.messages):
        last = number + 1 == len(request.messages) and message["role"] == "assistant"
        if not message["content"] and not last:
            raise invalid(
                f"messages.{number}: all messages must have non-empty content except for the"
                " optional final assistant message"
            )


def empty_texts_are_not_cached(request: Request) -> None:
    for block in request.deep_blocks:
        if block.body.get("cache_control") and block.body.get("text") == "":
            raise invalid(f"{block.place}.text: cache_control cannot be set for empty text blocks")


def texts_are_not_blank(request: Request) -> None:
    for block in request.deep_blocks:
        if block.type == "text" and not block.body["text"].strip():
            whole = block.place.partition(".")[0]
            what = "contain non-whitespace text" if block.body["text"] else "be non-empty"
            raise invalid(f"{whole}: text content blocks must {what}")


def failures_say_something(request: Request) -> None:
    for block in request.blocks:
        failed = block.type == "tool_result" and block.body.get("is_error")
        if failed and not block.body.get("content"):
            what = "content cannot be empty if `is_error` is true"
            raise invalid(f"{block.place}.tool_result: {what}")


def blocks_are_of_their_role(request: Request) -> None:
    for turn in request.turns:
        for block in turn.blocks:
            role = ROLES.get(block.type, turn.role)
            if turn.role != role:
                raise invalid(
                    f"{turn.place}: `{block.type}` blocks can only be in `{role}` messages"
                )


def instructions_come_after_a_user(request: Request) -> None:
    """And before the assistant, in models that take them in the middle at all."""
    turns = request.turns
    for number, turn in enumerate(turns):
        if turn.role != "system":
            continue
        if not request.model.system_messages:
            raise invalid("role 'system' is not supported on this model")
        if number == 0 or turns[number - 1].role != "user":
            raise invalid(f"{turn.place}: role 'system' must follow a 'user' message")
        if number + 1 < len(turns) and turns[number + 1].role != "assistant":
            raise invalid(
                f"{turn.place}: role 'system' must precede an 'assistant' message or end the array"
            )


def answers_are_begun_for_older_models(request: Request) -> None:
    last = request.turns[-1] if request.turns else None
    if last is None or last.role != "assistant" or last.of_type("server_tool_use"):
        return  # a turn of server tools that was paused is sent back to go on
    if not request.model.prefills:
        raise invalid(
            "This model does not support assistant message prefill. The conversation must end with"
            " a user message."
        )
    text = last.blocks[-1].body.get("text", "") if last.blocks else ""
    if text != text.rstrip():
        raise invalid("messages: final assistant content cannot end with trailing whitespace")


def breakpoints_are_few(request: Request) -> None:
    found = len(breakpoints(request)) + bool(request.body.get("cache_control"))
    if found > MAX_BREAKPOINTS:
        raise invalid(
            f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided."
            f" Found {found}."
        )


def longer_caches_come_first(request: Request) -> None:
    shorter = False
    for place, ttl in breakpoints(request):
        if shorter and ttl == "1h":
            raise invalid(
                f"{place}.cache_control.ttl: a ttl='1h' cache_control block must not come after a"
                " ttl='5m' cache_control block. Note that blocks are processed in the following"
                " order: `tools`, `system`, `messages`."
            )
        shorter = shorter or ttl != "1h"


def breakpoints(request: Request) -> list[tuple[str, str]]:
    """Where the prompt shall be cached and for how long, in the order of the prompt."""
    tools = [(f"tools.{number}", tool) for number, tool in enumerate(request.tools)]
    blocks = [(block.place, block.body) for block in request.deep_blocks]
    return [
        (place, body["cache_control"].get("ttl", "5m"))
        for place, body in tools + blocks
        if body.get("cache_control")
    ]


def media_can_be_read(request: Request) -> None:
    """Base64 that is whole, and addresses of the web."""
    for block in request.deep_blocks:
        if block.type not in {"image", "document"}:
            continue
        source = block.body["source"]
        place = f"{block.place}.{block.type}.source.{source['type']}"
        if source["type"] == "url" and not source["url"].startswith("https://"):
            raise invalid(f"{place}.url: Only HTTPS URLs are supported.")
        if source["type"] == "base64" and not is_base64(source["data"]):
            raise invalid(f"{place}.data: invalid base64 data")


def is_base64(data: str) -> bool:
    """Whether something is encoded, and rightly."""
    try:
        return bool(base64.b64decode(data, validate=True))
    except binascii.Error:
        return False


def assistants_hold_no_documents(request: Request) -> None:
    """Since 2026-10-21."""
    for turn in request.turns if request.version == NEWER else ():
        for block in turn.of_type("document"):
            if turn.role == "assistant":
                raise invalid(f"{block.place}: `document` blocks can only be in `user` messages")


def users_do_not_cite(request: Request) -> None:
    """Since 2026-10-21."""
    for turn in request.turns if request.version == NEWER else ():
        for block in turn.of_type("text"):
            if turn.role == "user" and block.body.get("citations"):
                raise invalid(f"{block.place}.text.citations: Extra inputs are not permitted")


HISTORY_RULES = (
    there_are_messages,
    messages_say_something,
    empty_texts_are_not_cached,
    texts_are_not_blank,
    failures_say_something,
    blocks_are_of_their_role,
    instructions_come_after_a_user,
    answers_are_begun_for_older_models,
    breakpoints_are_few,
    longer_caches_come_first,
    media_can_be_read,
    assistants_hold_no_documents,
    users_do_not_cite,
)
