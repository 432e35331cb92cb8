"""A provider's completion or a chunk of one, as msgspec reads it.

The form is OpenAI's, as loosely as servers imitate it: nulls for fields that they lack, a content
in pieces, arguments as objects, errors where a choice should be.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from airouter.dialects.chat.minimax import error_in_field
from airouter.dialects.conversation import Json
from airouter.dialects.openai_usage import ChatCounts
from airouter.interfaces import BrokenReply
from airouter.untrusted import UNREADABLE


class WireFunction(msgspec.Struct):
    """Name and arguments, or in a stream some of them."""

    name: str | None = None
    arguments: str | Json | None = None
    input: str | None = None


class WireCall(msgspec.Struct):
    """A call of a tool, or in a stream some of it."""

    id: str | None = None
    index: int | None = None
    function: WireFunction | None = None
    custom: WireFunction | None = None


class URLCitation(msgspec.Struct):
    """The source of a piece of the text."""

    url: str
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class Annotation(msgspec.Struct):
    """A note on the text."""

    url_citation: URLCitation | None = None


class WireAudio(msgspec.Struct):
    """Speech of the model, or in a stream some of it."""

    id: str | None = None
    data: str | None = None
    expires_at: int | None = None
    transcript: str | None = None


class ContentPiece(msgspec.Struct):
    """A piece of a content, as Mistral writes them: text, or thoughts in pieces of their own."""

    text: str | None = None
    thinking: str | list[ContentPiece] | None = None


class WireMessage(msgspec.Struct):
    """A message, or in a stream some of it. Open-weight servers have two names for reasoning."""

    content: str | list[ContentPiece] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[WireCall] | None = None
    function_call: WireFunction | None = None
    """A call, or in a stream some of it, for clients that do not know tools."""
    annotations: list[Annotation] | None = None
    audio: WireAudio | None = None
    images: list[WireImage] | None = None

    @property
    def calls(self) -> list[WireCall]:
        """Return the calls, in whichever field."""
        called = self.function_call
        if self.tool_calls or called is None or (called.name is None and called.arguments is None):
            return self.tool_calls or []
        return [WireCall(index=0, function=called)]


class WireURL(msgspec.Struct):
    """A place, or a data URL."""

    url: str = ""


class WireImage(msgspec.Struct):
    """A picture that the model drew, as OpenRouter and other routers tell it."""

    image_url: WireURL | None = None


class Thought(NamedTuple):
    """A thought, or in a stream some of it, and the field that it stands in."""

    text: str
    field: str


class WireLogProbs(msgspec.Struct):
    """Log probabilities of the tokens."""

    content: list[Json] | None = None


class WireChoice(msgspec.Struct):
    """One choice, or (OpenRouter) an error in its place."""

    index: int | None = None
    message: WireMessage | None = None
    delta: WireMessage | None = None
    finish_reason: str | None = None
    logprobs: WireLogProbs | None = None
    usage: ChatCounts | None = None
    """Where Moonshot has it, in a stream."""
    error: Json | str | None = None


class Completion(msgspec.Struct):
    """A completion, or a chunk of one."""

    id: str | None = None
    object: str | None = None
    model: str | None = None
    created: float | None = None
    choices: list[WireChoice] | None = None
    usage: ChatCounts | None = None
    service_tier: str | None = None
    error: Json | str | None = None
    message: str | None = None
    """The message of a bare error, as older servers of open models write it."""
    base_resp: Any = None
    """Where MiniMax has its errors."""
    citations: Any = None
    search_results: Any = None
    """Sources of the answer, with titles (Perplexity); `citations` are URLs."""


_decoder = msgspec.json.Decoder(Completion)


def read_completion(body: bytes) -> Completion:
    """Return a body or the data of a chunk as a completion. Raises `BrokenReply`."""
    try:
        return _decoder.decode(body)
    except UNREADABLE:
        raise BrokenReply("the upstream's answer is no chat completion") from None


def error_in(completion: Completion) -> Json | str | None:
    """Return the error in place of an answer; None where there is none."""
    if completion.error:
        return completion.error
    if completion.object == "error":
        return completion.message or "The upstream failed."
    if not completion.choices:
        return error_in_field(completion.base_resp)
    return next((choice.error for choice in completion.choices if choice.error), None)


def message_text(said: WireMessage) -> str:
    """Return the text of a message."""
    content = said.content
    if isinstance(content, list):
        return "".join(piece.text or "" for piece in content if piece.thinking is None)
    return content or ""


def message_thought(said: WireMessage) -> Thought | None:
    """Return the thought in a message."""
    if said.reasoning_content:
        return Thought(said.reasoning_content, "reasoning_content")
    if said.reasoning:
        return Thought(said.reasoning, "reasoning")
    if not isinstance(said.content, list):
        return None
    text = "".join(map(piece_thought, said.content))
    return Thought(text, "content") if text else None


def piece_thought(piece: ContentPiece) -> str:
    """Return the thought in a piece; empty for another piece."""
    thinking = piece.thinking
    if isinstance(thinking, list):
        return "".join(each.text or "" for each in thinking)
    return thinking or ""
