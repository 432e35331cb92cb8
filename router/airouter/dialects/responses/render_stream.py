"""From events to those of a Responses stream.

The grammar, as OpenAI's own streams have it: created, in_progress, then each item from `added` to
`done` with its parts inside, never two at a time, then completed, incomplete or failed. Every event
has the next `sequence_number`, and each goes out as one piece.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Reasoning, Refusal, Text, ToolCall
from airouter.dialects.events import (
    ArgumentsDelta,
    Begun,
    Broken,
    Cited,
    Counted,
    Ended,
    Event,
    PartBegun,
    PartEnded,
    Pinged,
    ReasoningDelta,
    RefusalDelta,
    Signed,
    Stopped,
    TextDelta,
)
from airouter.dialects.provenance import pack
from airouter.dialects.responses.errors import error_fields
from airouter.dialects.responses.items import (
    annotation_of,
    call_item,
    content_of,
    item_id,
    message_item,
    reasoning_item,
    signing_item,
)
from airouter.dialects.responses.render_response import ending, response_object, seed_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.dialects.conversation import (
        Citation,
        Conversation,
        Json,
        Part,
        Signature,
        Stop,
        Usage,
    )
    from airouter.failures import Failure

PING = b": ping\n\n"

_encode = msgspec.json.Encoder().encode


class OpenPart:
    """A part that is growing, and the item that it stands in."""

    __slots__ = ("citations", "item", "logprobs", "part", "pieces", "signature")

    def __init__(self, part: Part, item: Json) -> None:
        self.part = part
        self.item = item
        self.pieces: list[str] = []
        self.citations: list[Citation] = []
        self.logprobs: list[Json] = []
        self.signature: Signature | None = None

    @property
    def text(self) -> str:
        """What has come of it."""
        return "".join(self.pieces)


class Renderer:
    """The state of one stream."""

    __slots__ = (
        "_conversation",
        "_items",
        "_message",
        "_open",
        "_response",
        "_seed",
        "_sequence",
        "_silent",
        "_stop",
        "_usage",
    )

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._sequence = 0
        self._seed = ""
        self._response: Json = {}
        self._items: list[Json] = []
        self._message: Json | None = None
        """The message that is open: neighbouring texts are its parts."""
        self._open: OpenPart | None = None
        self._silent: Text | Refusal | None = None
        """A part that has begun and said nothing yet; one that stays so is not told of."""
        self._stop: Stop = "end"
        self._usage: Usage | None = None

    def feed(self, event: Event) -> bytes:  # noqa: C901, PLR0911, PLR0912  # a line for each
        """The events for one."""
        match event:
            case TextDelta():
                return self._said(event)
            case ReasoningDelta():
                return self._grown("reasoning_summary_text", event.text, {"summary_index": 0})
            case ArgumentsDelta():
                return self._argued(event.text)
            case RefusalDelta():
                return self._grown("refusal", event.text, self._place())
            case PartBegun():
                return self._part_begun(event.part)
            case PartEnded():
                return self._part_ended()
            case Cited():
                return self._cited(event.citation)
            case Signed():
                if self._open is not None:
                    self._open.signature = event.signature
            case Begun():
                return self._begin(event)
            case Stopped():
                self._stop = event.stop
            case Counted():
                self._usage = event.usage
            case Pinged():
                return PING
            case Ended():
                return self._end()
            case Broken():
                return self._fail(event.failure)
        return b""

    def _event(self, name: str, fields: Json) -> bytes:
        body = {"type": name, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        return b"event: %b\ndata: %b\n\n" % (name.encode(), _encode(body))

    def _begin(self, event: Begun) -> bytes:
        self._seed = seed_of(self._conversation, event.id)
        self._usage = event.usage
        created = event.created or int(time.time())
        self._response = response_object(self._conversation, self._seed, event.model, created)
        response = {"response": self._response}
        return self._event("response.created", response) + self._event(
            "response.in_progress", response
        )

    # Items.

    def _add(self, item: Json) -> bytes:
        self._items.append(item)
        fields = {"output_index": len(self._items) - 1, "item": item}
        return self._event("response.output_item.added", fields)

    def _finish(self, item: Json) -> bytes:
        self._items[-1] = item
        fields = {"output_index": len(self._items) - 1, "item": item}
        return self._event("response.output_item.done", fields)

    def _id(self, prefix: str) -> str:
        return item_id(prefix, self._seed, len(self._items))

    def _where(self) -> Json:
        """The item that is open."""
        return {"item_id": self._items[-1]["id"], "output_index": len(self._items) - 1}

    def _place(self) -> Json:
        """The part of a message that is open."""
        return {"content_index": len(self._message["content"]) if self._message else 0}

    def _close_message(self) -> bytes:
        if self._message is None:
            return b""
        item, self._message = {**self._message, "status": "completed"}, None
        return self._finish(item)

    # Parts.

    def _part_begun(self, part: Part) -> bytes:
        match part:
            case Text() | Refusal():
                self._silent = part
            case Reasoning():
                return self._close_message() + self._begin_reasoning(part)
            case ToolCall():
                return self._close_message() + self._begin_call(part)
        return b""

    def _break_silence(self) -> bytes:
        part, self._silent = self._silent, None
        return b"" if part is None else self._begin_text(part)

    def _begin_text(self, part: Text | Refusal) -> bytes:
        added = b""
        if self._message is None:
            self._message = message_item(self._id("msg"), "in_progress")
            added = self._add({**self._message, "content": []})
        self._open = OpenPart(part, self._message)
        fields = {**self._where(), **self._place(), "part": content_of(part)}
        return added + self._event("response.content_part.added", fields)

    def _begin_reasoning(self, part: Reasoning) -> bytes:
        item = reasoning_item(Reasoning(), self._id("rs"))
        added = self._add(item)
        self._open = OpenPart(part, item)
        self._open.signature = part.signature
        return added

    def _begin_call(self, part: ToolCall) -> bytes:
        signing = b""
        if part.signature is not None:
            item = signing_item(part, self._id("rs"))
            signing = self._add({**item, "encrypted_content": None}) + self._finish(item)
        item = call_item(part, self._id("fc"), "in_progress")
        added = self._add(item)
        self._open = OpenPart(part, item)
        return signing + added

    def _grown(self, kind: str, text: str, place: Json) -> bytes:
        if not text:
            return b""
        first = self._break_silence()
        opened = self._open
        if opened is None:
            return first
        if isinstance(opened.part, Reasoning) and not opened.pieces:
            part = {"type": "summary_text", "text": ""}
            fields = {**self._where(), "summary_index": 0, "part": part}
            first += self._event("response.reasoning_summary_part.added", fields)
        opened.pieces.append(text)
        fields = {**self._where(), **place, "delta": text}
        return first + self._event(f"response.{kind}.delta", fields)

    def _said(self, event: TextDelta) -> bytes:
        if not (event.text or event.logprobs):
            return b""
        first = self._break_silence()
        opened = self._open
        if opened is None:
            return first
        opened.pieces.append(event.text)
        opened.logprobs.extend(event.logprobs or ())
        fields = {
            **self._where(),
            **self._place(),
            "delta": event.text,
            "logprobs": list(event.logprobs or ()),
        }
        return first + self._event("response.output_text.delta", fields)

    def _argued(self, text: str) -> bytes:
        custom = self._open is not None and getattr(self._open.part, "custom", False)
        return self._grown(
            "custom_tool_call_input" if custom else "function_call_arguments", text, {}
        )

    def _cited(self, citation: Citation) -> bytes:
        first = self._break_silence()
        opened = self._open
        if opened is None:
            return first
        opened.citations.append(citation)
        fields = {
            **self._where(),
            **self._place(),
            "annotation_index": len(opened.citations) - 1,
            "annotation": annotation_of(citation, len(opened.text)),
        }
        return first + self._event("response.output_text.annotation.added", fields)

    def _part_ended(self) -> bytes:
        self._silent = None
        opened, self._open = self._open, None
        if opened is None:
            return b""
        ends: dict[type[Part], Callable[[OpenPart], bytes]] = {
            Text: self._end_text,
            Refusal: self._end_refusal,
            Reasoning: self._end_reasoning,
            ToolCall: self._end_call,
        }
        return ends[type(opened.part)](opened)

    def _end_text(self, opened: OpenPart) -> bytes:
        content = content_of(
            Text(
                text=opened.text,
                citations=tuple(opened.citations),
                logprobs=tuple(opened.logprobs),
            )
        )
        fields = {"text": content["text"], "logprobs": content["logprobs"]}
        done = self._event(
            "response.output_text.done", {**self._where(), **self._place(), **fields}
        )
        return done + self._end_content(content)

    def _end_refusal(self, opened: OpenPart) -> bytes:
        fields = {**self._where(), **self._place(), "refusal": opened.text}
        done = self._event("response.refusal.done", fields)
        return done + self._end_content(content_of(Refusal(text=opened.text)))

    def _end_content(self, content: Json) -> bytes:
        fields = {**self._where(), **self._place(), "part": content}
        done = self._event("response.content_part.done", fields)
        if self._message is not None:
            self._message = {**self._message, "content": [*self._message["content"], content]}
        return done

    def _end_reasoning(self, opened: OpenPart) -> bytes:
        part = Reasoning(text=opened.text, signature=opened.signature)
        done = b""
        if opened.pieces:
            place = {**self._where(), "summary_index": 0}
            text = {"type": "summary_text", "text": opened.text}
            done = self._event(
                "response.reasoning_summary_text.done", {**place, "text": opened.text}
            ) + self._event("response.reasoning_summary_part.done", {**place, "part": text})
        item = reasoning_item(part, opened.item["id"])
        if opened.signature is not None:
            item["encrypted_content"] = pack([part])
        return done + self._finish(item)

    def _end_call(self, opened: OpenPart) -> bytes:
        call = opened.part
        if not isinstance(call, ToolCall):
            return b""
        field = "input" if call.custom else "arguments"
        name = "custom_tool_call_input" if call.custom else "function_call_arguments"
        done = self._event(f"response.{name}.done", {**self._where(), field: opened.text})
        return done + self._finish({**opened.item, "status": "completed", field: opened.text})

    # The end.

    def _end(self) -> bytes:
        closed = self._close_message()
        response = {**self._response, **ending(self._stop, self._usage, self._items)}
        name = f"response.{response['status']}"
        return closed + self._event(name, {"response": response})

    def _fail(self, failure: Failure) -> bytes:
        told = self._event("error", error_fields(failure))
        if not self._response:
            return told
        code = "rate_limit_exceeded" if failure.status == 429 else "server_error"
        said = {"code": code, "message": failure.message}
        response = {**self._response, "status": "failed", "error": said, "output": self._items}
        return told + self._event("response.failed", {"response": response})
