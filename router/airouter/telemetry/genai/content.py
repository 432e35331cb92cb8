"""Tells what was said, in the form of the conventions: `gen_ai.input.messages` and its neighbours.

https://github.com/open-telemetry/semantic-conventions-genai, docs/gen-ai/gen-ai-input-messages.json
and gen-ai-output-messages.json. Only where `spec.telemetry.traces.captureContent` is set; what its
`redact` names is left out. Bytes of images, files and sounds never are part of it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects import chat, messages, responses
from airouter.dialects.assembly import Assembly
from airouter.dialects.conversation import (
    Audio,
    Conversation,
    Destination,
    File,
    Image,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from airouter.dialects.events import PartBegun, PartEnded, Stopped
from airouter.dialects.framing import ServerSentEvents
from airouter.failures import Failure
from airouter.interfaces import UpstreamError
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from airouter.dialects.conversation import Answer, Part, Turn
    from airouter.dialects.dialect import ClientDialect, UpstreamDialect
    from airouter.telemetry.genai.redaction import ContentPath

    Json = dict[str, Any]

LARGEST_REQUEST = 262_144
"""Bytes of a request that is read for its content."""
LARGEST_ANSWER = 262_144
"""Bytes of an answer that are read: of a stream, some thousand events."""
ROOM = 65_536
"""Bytes of each attribute."""
ANYBODY = Destination(model="", maker="")
INSTRUCTING = frozenset({"system", "developer"})
FINISHED = frozenset({"response.completed", "response.incomplete", "response.failed"})
UNREADABLE = (Failure, UpstreamError, RecursionError, ValueError)
REDACTED = "[redacted]"
ENDS: Mapping[str, str] = {
    "end": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "context_window": "length",
    "refusal": "content_filter",
    "content_filter": "content_filter",
    "tool_calls": "tool_call",
    "completed": "stop",
    "incomplete": "length",
    "failed": "error",
}
"""Ends of choices, in the words of the conventions."""


class ItemPart(msgspec.Struct):
    """A part of an item of Responses."""

    text: str = ""
    refusal: str = ""


class OutputItem(msgspec.Struct):
    """An item of a response, as much of it as was said."""

    type: str = ""
    content: list[ItemPart] | None = None
    summary: list[ItemPart] | None = None
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    input: str = ""


class WholeResponse(msgspec.Struct):
    """A response, as much of it as was said."""

    output: list[OutputItem] = []
    status: str = ""


class ItemEvent(msgspec.Struct):
    """An event of a response, as much of it as was said."""

    type: str = ""
    item: OutputItem | None = None


_response = msgspec.json.Decoder(WholeResponse)
_item_event = msgspec.json.Decoder(ItemEvent)


class Content(msgspec.Struct, frozen=True):
    """The texts that go into a span: JSON, or nothing where there is none."""

    instructions: str = ""
    input: str = ""
    output: str = ""
    truncated: bool = False
    """Whether something is left out for being too long."""


NOTHING = Content()


def captured(
    api: str, body: bytes, answer: bytes, redact: Sequence[ContentPath], *, streamed: bool
) -> Content:
    """Return what a client and its model have said; nothing for an API without conversations.

    `answer` is what the client got, cut off after `LARGEST_ANSWER` bytes.
    """
    spoken_by = SPOKEN.get(api)
    if spoken_by is None:
        return NOTHING
    dialect, said = spoken_by
    document: Json = {"output": said(answer, streamed=streamed)}
    if len(body) <= LARGEST_REQUEST:
        document |= said_by_client(dialect, body)
    for path in redact:
        path.redact(document, REDACTED)
    kept = {name: newest_within(turns, ROOM) for name, turns in document.items()}
    return Content(
        **{name: written for name, (written, _) in kept.items()},
        truncated=len(body) > LARGEST_REQUEST
        or len(answer) >= LARGEST_ANSWER
        or any(cut for _, cut in kept.values()),
    )


def said_by_client(dialect: ClientDialect, body: bytes) -> Json:
    """Return the instructions and the messages of a request."""
    try:
        conversation: Conversation = dialect.parse_request(body)
    except UNREADABLE:
        return {}
    instructing = [each for each in conversation.turns if each.role in INSTRUCTING]
    return {
        "instructions": [part for turn in instructing for part in spoken_parts(turn.parts)],
        "input": [spoken_turn(turn) for turn in conversation.turns if turn.role not in INSTRUCTING],
    }


def said_by_model(dialect: UpstreamDialect, answer: bytes, *, streamed: bool) -> list[Json]:
    """Return the choices of an answer as messages."""
    try:
        found = stream_answer(dialect, answer) if streamed else whole_answer(dialect, answer)
    except UNREADABLE:
        return []
    return [message(spoken_parts(each.parts), each.stop) for each in found.choices]


def whole_answer(dialect: UpstreamDialect, body: bytes) -> Answer:
    """Return an answer that came as a whole. Raises what `parse_response` does."""
    return dialect.parse_response(body, ANYBODY)


def stream_answer(dialect: UpstreamDialect, data: bytes) -> Answer:
    """Return the answer of a stream, as far as it was kept. Raises `BrokenReply`."""
    assembly, parser = Assembly(), dialect.stream_parser(ANYBODY)
    opened: set[tuple[int, int]] = set()
    going: set[int] = set()
    for event in (each for frame in dialect.framing().feed(data) for each in parser.feed(frame)):
        assembly.feed(event)
        match event:
            case PartBegun():
                opened.add((event.choice, event.at))
                going.add(event.choice)
            case PartEnded():
                opened.discard((event.choice, event.at))
            case Stopped():
                going.discard(event.choice)
    for choice, at in opened:
        assembly.feed(PartEnded(choice=choice, at=at))
    for choice in going:
        assembly.feed(Stopped(choice=choice, stop="length"))
    return assembly.answer()


def said_in_response(answer: bytes, *, streamed: bool) -> list[Json]:
    """Return the items of a response as one message."""
    if streamed:
        try:
            frames = ServerSentEvents().feed(answer)
        except UpstreamError:
            return []
        events = (decoded_or_none(_item_event, frame.data) for frame in frames)
        done = [each for each in events if each is not None]
        ends = [each.type.removeprefix("response.") for each in done if each.type in FINISHED]
        items = [each.item for each in done if each.item and each.type.endswith("_item.done")]
        status = ends[-1] if ends else "incomplete"
    else:
        response = decoded_or_none(_response, answer) or WholeResponse()
        items, status = response.output, response.status
    return [message(list(map(spoken_item, items)), status)] if items else []


def spoken_item(item: OutputItem) -> Json:
    """Return an item of a response as the conventions have it."""
    if item.type in {"function_call", "custom_tool_call"}:
        return spoken_part(
            ToolCall(id=item.call_id, name=item.name, arguments=item.arguments or item.input)
        )
    parts = [*(item.content or ()), *(item.summary or ())]
    text = "".join(part.text or part.refusal for part in parts)
    if item.type == "message":
        return {"type": "text", "content": text}
    return {"type": "reasoning", "content": text} if item.type == "reasoning" else {"type": "other"}


def message(parts: list[Json], stop: str) -> Json:
    """Return a message of the model."""
    return {"role": "assistant", "parts": parts, "finish_reason": ENDS.get(stop, stop)}


def spoken_turn(turn: Turn) -> Json:
    """Return a turn as a message; results of tools are the tool's own."""
    parts = spoken_parts(turn.parts)
    is_result = bool(turn.parts) and all(isinstance(each, ToolResult) for each in turn.parts)
    return {"role": "tool" if is_result else turn.role, "parts": parts}


def spoken_parts(parts: Iterable[Part]) -> list[Json]:
    """Return parts as the conventions have them."""
    return [spoken_part(part) for part in parts]


def spoken_part(part: Part) -> Json:
    """Return a part as the conventions have it, without the bytes of what is no text."""
    match part:
        case Text() | Refusal():
            return {"type": "text", "content": part.text}
        case Reasoning():
            return {"type": "reasoning", "content": part.text or "\n".join(part.summary)}
        case ToolCall():
            return {
                "type": "tool_call",
                "id": part.id,
                "name": part.name,
                "arguments": part.arguments,
            }
        case ToolResult():
            return {
                "type": "tool_call_response",
                "id": part.call_id,
                "response": spoken_parts(part.parts),
            }
        case Image() | File() | Audio():
            return {"type": "blob", "modality": type(part).__name__.lower()}
        case _:
            return {"type": "other"}


def newest_within(turns: list[Json] | str, room: int) -> tuple[str, bool]:
    """Return turns as JSON of so many bytes, the newest if not all fit; and whether some do not."""
    if isinstance(turns, str):  # all of them redacted
        return msgspec.json.encode(turns).decode(), False
    kept: list[bytes] = []
    for turn in reversed(turns):
        encoded = msgspec.json.encode(turn)
        room -= len(encoded) + 1
        if room < 0:
            break
        kept.append(encoded)
    written = b"[" + b",".join(reversed(kept)) + b"]" if kept else b""
    return written.decode(), len(kept) < len(turns)


SPOKEN: Mapping[str, tuple[ClientDialect, Callable[..., list[Json]]]] = {
    "chat": (chat.CLIENT, partial(said_by_model, chat.UPSTREAM)),
    "messages": (messages.CLIENT, partial(said_by_model, messages.UPSTREAM)),
    "responses": (responses.CLIENT, said_in_response),
    "session": (responses.CLIENT, said_in_response),
}
"""APIs for clients that are conversations, and how both sides of them are read."""
