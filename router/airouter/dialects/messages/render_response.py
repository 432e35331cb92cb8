"""From an answer to a whole message.

A thinking block is the one thing in a message that clients return unread. So what another provider
than Anthropic wants back travels in the signature of one (`provenance.py`).
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.conversation import (
    Image,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from airouter.dialects.functions import INVALID
from airouter.dialects.messages.citations import render_citation
from airouter.dialects.messages.counts import render_usage
from airouter.dialects.messages.render_turns import call_id
from airouter.dialects.provenance import CLAUDE, pack_parts
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airouter.dialects.conversation import (
        Answer,
        Conversation,
        Json,
        Part,
        Signature,
        Stop,
    )

NAME = "messages"
STOP_REASONS: dict[Stop, str] = {
    "end": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "context_window": "model_context_window_exceeded",
    "tool_calls": "tool_use",
    "refusal": "refusal",
    "content_filter": "refusal",
    "pause": "pause_turn",
}
_encoder = msgspec.json.Encoder()
_object = msgspec.json.Decoder(dict[str, Any])


def render_response(answer: Answer, conversation: Conversation) -> bytes:  # noqa: ARG001  # as all
    """Return the body of a message; of several choices the first, for no request asks for more."""
    choice = answer.choices[0]
    body = {
        "id": message_id(answer.id),
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": content_blocks(choice.parts),
        "stop_reason": STOP_REASONS[choice.stop],
        "stop_sequence": choice.stop_sequence,
        "usage": render_usage(answer.usage),
    }
    return _encoder.encode(body)


def message_id(id_: str) -> str:
    """Return an id that begins as Anthropic's do, a new one where a provider gives none."""
    id_ = id_ or secrets.token_hex(12)
    return id_ if id_.startswith("msg_") else f"msg_{id_}"


def content_blocks(parts: Sequence[Part]) -> list[Json]:
    """Return the blocks of a message."""
    return [block for part in parts for block in blocks_of(part)]


def blocks_of(part: Part) -> Iterator[Json]:
    """Yield the blocks of one part."""
    match part:
        case Text():
            if part.text or part.citations:
                yield text_block(part)
        case Reasoning():
            yield thinking_block(part)
        case ToolCall():
            if part.signature is not None:
                yield signing_block(part)
            yield call_block(part)
        case Refusal():
            yield {"type": "text", "text": part.text}
        case Image(media=media):
            url = media.url or f"data:{media.media_type};base64,{media.data}"
            yield {"type": "text", "text": f"![image]({url})"}
        case Opaque(dialect="messages"):
            yield part.native


def text_block(part: Text) -> Json:
    """Return a text; `citations` only where it has some, as strict clients demand."""
    citations = [render_citation(citation) for citation in part.citations]
    return {"type": "text", "text": part.text} | ({"citations": citations} if citations else {})


def thinking_block(part: Reasoning) -> Json:
    """Return a thought, redacted where Claude made it so."""
    if part.signature is not None and part.signature.redacted and is_claude(part.signature):
        return {"type": "redacted_thinking", "data": part.signature.value}
    text = part.text or "\n\n".join(part.summary)
    return {"type": "thinking", "thinking": text, "signature": signature_of(part)}


def signature_of(part: Reasoning) -> str:
    """Return a signature: Claude's own as it is, another's packed with its part."""
    if part.signature is None:
        return ""
    return part.signature.value if is_claude(part.signature) else pack_parts([part])


def is_claude(signature: Signature) -> bool:
    """Return whether Anthropic would take a signature."""
    return signature.maker.startswith(CLAUDE)


def signing_block(part: ToolCall) -> Json:
    """Return a block without a thought, for the signature of the call that follows."""
    signed = msgspec.structs.replace(part, id=call_id(part.id), arguments="")
    return {"type": "thinking", "thinking": "", "signature": pack_parts([signed])}


def call_block(part: ToolCall) -> Json:
    """Return a call of a tool."""
    return {
        "type": "tool_use",
        "id": call_id(part.id),
        "name": part.name,
        "input": input_of(part.arguments),
    }


def input_of(arguments: str) -> Json:
    """Return arguments as an object.

    Those cut off in the middle stand in it as text, under the name that Anthropic gives them.
    """
    found = decoded_or_none(_object, arguments or "{}")
    return {INVALID: arguments} if found is None else found
