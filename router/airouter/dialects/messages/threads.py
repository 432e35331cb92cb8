"""Threads of Anthropic's API: the history of a conversation that its service keeps.

They are refused for every upstream, Anthropic itself too: what one account keeps, no other backend
has, so a turn could neither be routed nor tried elsewhere. The SDK, which opens one by itself for
its `tool_runner`, reads `details` and goes on without, sending the whole history each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.failures import Failure

if TYPE_CHECKING:
    from airouter.dialects.client_request import ClientRequest


def refuse_thread(request: ClientRequest) -> None:
    """Check that a request goes without a thread. Raises `Failure` 400."""
    thread = request.fields.get("thread")
    if thread is None or bytes(thread) == b"null":
        return
    failure = Failure(
        400,
        "This router keeps no threads: send the whole conversation without 'thread'.",
        param="thread",
        code="thread_unsupported_request",
    )
    failure.details = {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}
    raise failure
