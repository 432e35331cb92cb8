"""The form of a stream for clients, as each dialect has its own.

`api/endpoints.py` gives every endpoint one; this room goes by it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from airouter.dialects.chat.errors import error_event as chat_error
from airouter.dialects.chat.errors import failure_in as chat_failure
from airouter.dialects.chat.minimax import error_in_field
from airouter.dialects.framing import ServerSentEvents, has_many_values
from airouter.dialects.messages.errors import error_event as messages_error
from airouter.dialects.messages.errors import failure_in as messages_failure
from airouter.dialects.responses.errors import error_event as responses_error
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.dialects.conversation import Json
    from airouter.failures import Failure

COMMENT = b": ping\n\n"
"""An event without data, which readers of server-sent events leave out."""
MESSAGES_PING = b'event: ping\ndata: {"type":"ping"}\n\n'


CHOICE = re.compile(rb'"choices"\s*:\s*\[\s*\{')
EVENT = re.compile(rb"data:")
FILTERED_CHOICE = re.compile(rb'"finish_reason"\s*:\s*"(?:content_filter|sensitive)"')
NEVER = re.compile(rb"(?!)")


class StreamForm(NamedTuple):
    """The bytes of a stream, or of a whole answer, that have a meaning for the router."""

    says: re.Pattern[bytes]
    """Found in a stream that has said something.

    It begins with a literal, for which the search is quick.
    """
    begins: re.Pattern[bytes]
    """Found in a stream in which an answer has begun, be it an empty one."""
    heartbeat: bytes
    """Tells a client that the router is still there."""
    error_event: Callable[[Failure], bytes]
    """Tells a client of a failure before any event of an answer."""
    failure_in: Callable[[Json | str], Failure]
    """Reads a provider's error."""
    filtered: re.Pattern[bytes]
    """Found in an answer that its provider's content filter has withheld, or cut."""


CHAT_STREAM = StreamForm(
    re.compile(
        rb'"delta"\s*:\s*\{[^{}\[\]]*?"'
        rb'(?:(?:content|reasoning_content|reasoning|refusal)"\s*:\s*"[^"]'
        rb'|(?:tool_calls|reasoning_details|images|audio|annotations)"\s*:\s*[\[{])'
    ),
    CHOICE,
    COMMENT,
    chat_error,
    chat_failure,
    FILTERED_CHOICE,
)
RESPONSES_STREAM = StreamForm(
    re.compile(
        rb'"type"\s*:\s*"(?:response\.(?:[a-z_.]+\.delta|completed|incomplete|failed)|error)"'
    ),
    EVENT,
    COMMENT,
    lambda failure: responses_error(failure, 0),
    chat_failure,
    re.compile(rb'"reason"\s*:\s*"content_filter"'),
)
MESSAGES_STREAM = StreamForm(
    re.compile(
        rb'"type"\s*:\s*"(?:(?:text|thinking|input_json|citations|signature)_delta'
        rb'|(?:[a-z_]+_)?tool_use|message_delta|message_stop|error)"'
    ),
    EVENT,
    MESSAGES_PING,
    messages_error,
    messages_failure,
    re.compile(rb'"stop_reason"\s*:\s*"refusal"'),
)
TEXT_STREAM = StreamForm(
    re.compile(rb'"text"\s*:\s*"[^"]'),
    CHOICE,
    COMMENT,
    chat_error,
    chat_failure,
    FILTERED_CHOICE,
)
"""Of the completions that were before chat."""
ANY_STREAM = StreamForm(EVENT, EVENT, COMMENT, chat_error, chat_failure, NEVER)
"""Of an API whose events all say something."""


class FailedResponse(msgspec.Struct):
    """A response, as much of it as tells why there is none."""

    error: dict[str, object] | str | None = None


class FirstEvent(msgspec.Struct):
    """An event, as much of it as tells an error."""

    type: str | None = None
    kind: str | None = msgspec.field(name="object", default=None)
    error: dict[str, object] | str | None = None
    response: FailedResponse | None = None
    code: str | int | None = None
    message: str | None = None
    base_resp: Any = None


_event = msgspec.json.Decoder(FirstEvent)


def opening_error(opening: bytes, form: StreamForm) -> Failure | None:
    """Return the error that a stream begins with; None for one that begins as an answer."""
    for frame in ServerSentEvents().feed(opening + b"\n\n"):
        event = None if has_many_values(frame.data) else decoded_or_none(_event, frame.data)
        if event is None:
            continue
        error = event.error or (event.response.error if event.response is not None else None)
        if error is None and "error" in {event.type, event.kind} and event.message is not None:
            error = {"message": event.message, "code": event.code}
        if error is None:
            error = error_in_field(event.base_resp)
        if error is not None:
            return form.failure_in(error)
    return None
