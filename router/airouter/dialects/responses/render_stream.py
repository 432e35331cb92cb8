"""From events to those of a Responses stream.

The grammar, as OpenAI's own streams have it: created, in_progress, then each item from `added` to
`done` with its parts inside, never two at a time, then completed, incomplete or failed. Every event
has the next `sequence_number`, and each goes out as one piece.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Image, Opaque, Reasoning, Refusal, Text, ToolCall
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
from airouter.dialects.responses.errors import error_fields
from airouter.dialects.responses.event_writer import EventWriter, cut_off
from airouter.dialects.responses.hosted import hosted_call
from airouter.dialects.responses.image_item import image_events
from airouter.dialects.responses.items import (
    begun_reasoning,
    call_item,
    call_prefix,
    content_of,
    logprobs_of,
    message_item,
    reasoning_item,
    signing_item,
    tools_by_name,
)
from airouter.dialects.responses.open_part import OpenPart
from airouter.dialects.responses.render_response import (
    INCOMPLETE,
    ending_fields,
    response_object,
    seed_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airouter.dialects.conversation import (
        Citation,
        Conversation,
        Json,
        Part,
        Stop,
        Usage,
    )
    from airouter.dialects.responses.hosted import HostedCall
    from airouter.failures import Failure

PING = b": ping\n\n"
KINDS = {True: "custom_tool_call_input", False: "function_call_arguments"}
"""The name of a call's growing field: of a custom tool, or of a function."""


class Renderer:
    """The state of one stream."""

    __slots__ = (
        "_conversation",
        "_hosted",
        "_message",
        "_open",
        "_out",
        "_over",
        "_response",
        "_silent",
        "_stop",
        "_tools",
        "_usage",
    )

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._out = EventWriter()
        self._tools = tools_by_name(conversation)
        self._response: Json = {}
        self._message: Json | None = None
        """The message that is open: neighbouring texts are its parts."""
        self._hosted: HostedCall | None = None
        """A call of a provider's own tool whose result may follow."""
        self._open: OpenPart | None = None
        self._silent: Text | Refusal | None = None
        """A part that is empty so far; one that stays empty is left out."""
        self._stop: Stop = "end"
        self._usage: Usage | None = None
        self._over = False

    def feed(self, event: Event) -> bytes:  # noqa: C901, PLR0911, PLR0912  # a line for each
        """Return a client's events for one event."""
        if self._over:
            return b""
        match event:  # the most frequent come first
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

    def _begin(self, event: Begun) -> bytes:
        if self._response:
            return b""
        self._out.seed = seed_of(self._conversation, event.id)
        self._usage = event.usage
        created = event.created or int(time.time())
        self._response = response_object(self._conversation, self._out.seed, event.model, created)
        response = {"response": self._response}
        return self._out.event("response.created", response) + self._out.event(
            "response.in_progress", response
        )

    # Items.

    def _place(self) -> Json:
        """Return the fields that point to the open part of a message."""
        return {"content_index": len(self._message["content"]) if self._message else 0}

    def _close_message(self) -> bytes:
        if self._message is None:
            return b""
        self._out.end({**self._message, "status": "completed"})
        self._message = None
        return b""

    def _close_hosted(self, result: Opaque | None = None) -> bytes:
        hosted, self._hosted = self._hosted, None
        return b"" if hosted is None else hosted.end(self._out, result)

    def _close(self) -> bytes:
        """End the item that is open."""
        return self._close_message() + self._close_hosted()

    # Parts.

    def _part_begun(self, part: Part) -> bytes:
        match part:
            case Text() | Refusal():
                self._silent = part
            case Reasoning():
                return self._close() + self._begin_reasoning(part)
            case ToolCall():
                return self._close() + self._begin_call(part)
            case Image():
                return self._close() + image_events(part, self._out)
            case Opaque():
                return self._ran(part)
        return b""

    def _ran(self, part: Opaque) -> bytes:
        """Return the events for a call, or for the result, of a provider's own tool."""
        if self._hosted is not None and self._hosted.is_answered_by(part):
            return self._close_hosted(part)
        hosted = hosted_call(part, self._out.next_id)
        if hosted is None:
            return b""
        closed = self._close()
        self._hosted = hosted
        return closed + hosted.begin(self._out)

    def _break_silence(self) -> bytes:
        part, self._silent = self._silent, None
        return b"" if part is None else self._begin_text(part)

    def _begin_text(self, part: Text | Refusal) -> bytes:
        added = self._close_hosted()
        if self._message is None:
            self._message = message_item(self._out.next_id("msg"), "in_progress")
            added += self._out.add({**self._message, "content": []})
        self._open = OpenPart(part, self._message)
        fields = {**self._out.where(), **self._place(), "part": content_of(part)}
        return added + self._out.event("response.content_part.added", fields)

    def _begin_reasoning(self, part: Reasoning) -> bytes:
        item = begun_reasoning(self._out.next_id("rs"))
        added = self._out.add(item)
        self._open = OpenPart(part, item)
        self._open.signature = part.signature
        return added

    def _begin_call(self, part: ToolCall) -> bytes:
        signing = b""
        if part.signature is not None:
            item = signing_item(part, self._out.next_id("rs"))
            begun = begun_reasoning(item["id"])
            signing = self._out.add(begun) + self._out.finish(item)
        tool = self._tools.get(part.name)
        if tool is not None and tool.item is not None:  # which says nothing before it is whole
            self._open = OpenPart(part, {})
            return signing
        id_ = self._out.next_id(call_prefix(part, tool))
        item = call_item(part, id_, tool, "in_progress")
        added = self._out.add(item)
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
            fields = {**self._out.where(), "summary_index": 0, "part": part}
            first += self._out.event("response.reasoning_summary_part.added", fields)
        opened.pieces.append(text)
        fields = {**self._out.where(), **place, "delta": text}
        return first + self._out.event(f"response.{kind}.delta", fields)

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
            **self._out.where(),
            **self._place(),
            "delta": event.text,
            "logprobs": logprobs_of(event.logprobs),
        }
        return first + self._out.event("response.output_text.delta", fields)

    def _argued(self, text: str) -> bytes:
        opened = self._open
        if opened is None or not isinstance(opened.part, ToolCall):
            return b""
        if not opened.item:
            opened.pieces.append(text)
            return b""
        return self._grown(KINDS[opened.part.custom], text, {})

    def _cited(self, citation: Citation) -> bytes:
        first = self._break_silence()
        opened = self._open
        if opened is None:
            return first
        opened.citations.append(citation)
        return first

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
        content = opened.content
        cited = b"".join(self._annotated(content["annotations"]))
        fields = {"text": content["text"], "logprobs": content["logprobs"]}
        done = cited + self._out.event(
            "response.output_text.done", {**self._out.where(), **self._place(), **fields}
        )
        return done + self._end_content(content)

    def _annotated(self, annotations: list[Json]) -> Iterator[bytes]:
        """Yield the sources of a text at its end, since many span all of it."""
        for number, annotation in enumerate(annotations):
            fields = {"annotation_index": number, "annotation": annotation}
            place = {**self._out.where(), **self._place()}
            yield self._out.event("response.output_text.annotation.added", place | fields)

    def _end_refusal(self, opened: OpenPart) -> bytes:
        fields = {**self._out.where(), **self._place(), "refusal": opened.text}
        done = self._out.event("response.refusal.done", fields)
        return done + self._end_content(opened.content)

    def _end_content(self, content: Json) -> bytes:
        fields = {**self._out.where(), **self._place(), "part": content}
        done = self._out.event("response.content_part.done", fields)
        if self._message is not None:
            self._message = {**self._message, "content": [*self._message["content"], content]}
        return done

    def _end_reasoning(self, opened: OpenPart) -> bytes:
        part = Reasoning(text=opened.text, signature=opened.signature)
        done = b""
        if opened.pieces:
            place = {**self._out.where(), "summary_index": 0}
            text = {"type": "summary_text", "text": opened.text}
            done = self._out.event(
                "response.reasoning_summary_text.done", {**place, "text": opened.text}
            ) + self._out.event("response.reasoning_summary_part.done", {**place, "part": text})
        self._out.end(reasoning_item(part, opened.item["id"]))
        return done

    def _end_call(self, opened: OpenPart) -> bytes:
        call = opened.part
        if not isinstance(call, ToolCall):
            return b""
        if not opened.item:
            return self._end_local(msgspec.structs.replace(call, arguments=opened.text))
        field = "input" if call.custom else "arguments"
        name = f"response.{KINDS[call.custom]}.done"
        done = self._out.event(name, {**self._out.where(), field: opened.text})
        self._out.end({**opened.item, "status": "completed", field: opened.text})
        return done

    def _end_local(self, call: ToolCall) -> bytes:
        """Return the events of a call in the form that its client knows."""
        tool = self._tools[call.name]
        id_ = self._out.next_id(call_prefix(call, tool))
        begun = self._out.add(call_item(call, id_, tool, "in_progress"))
        self._out.end(call_item(call, id_, tool))
        return begun

    # The end.

    def _end(self) -> bytes:
        self._over = True
        closed = self._begin(Begun(id="", model="")) + self._close()
        closed += self._out.settle(cut=self._stop in INCOMPLETE)
        response = {**self._response, **ending_fields(self._stop, self._usage, self._out.items)}
        name = f"response.{response['status']}"
        return closed + self._out.event(name, {"response": response})

    def _fail(self, failure: Failure) -> bytes:
        self._over = True
        ended = self._out.settle(cut=self._out.ends_in_call)
        self._keep_open()
        told = ended + self._out.event("error", error_fields(failure))
        if not self._response:
            return told
        code = "rate_limit_exceeded" if failure.status == 429 else "server_error"
        said = {"code": code, "message": failure.message}
        response = {**self._response, "status": "failed", "error": said, "output": self._out.items}
        return told + self._out.event("response.failed", {"response": response})

    def _keep_open(self) -> None:
        """Put what is open into the output as far as it came."""
        opened, item = self._open, self._message
        if opened is not None:
            item = opened.broken_off(self._message)
        if self._hosted is not None:
            self._out.items[-1] = {**self._hosted.item, "status": "failed"}
        elif item is not None:
            self._out.items[-1] = cut_off(item)
