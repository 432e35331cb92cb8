"""From a provider's chunks to events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.completion import (
    Completion,
    WireCall,
    WireChoice,
    WireMessage,
    error_in,
    message_text,
    message_thought,
    read_completion,
)
from airouter.dialects.chat.errors import failure_in
from airouter.dialects.chat.parse_response import (
    FAULTS,
    arguments_of,
    call_of,
    citations_of,
    created_in,
    fault,
    name_of,
    stop_of,
)
from airouter.dialects.chat.reasoning import begun_thought
from airouter.dialects.conversation import Audio, Refusal, Text, ToolCall
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
    ReasoningDelta,
    RefusalDelta,
    Stopped,
    TextDelta,
)
from airouter.dialects.openai_usage import neutral_usage
from airouter.failures import ended_early
from airouter.interfaces import BrokenReply
from airouter.untrusted import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.dialects.conversation import Destination, Part
    from airouter.dialects.framing import Frame
    from airouter.failures import Failure

DONE = b"[DONE]"


class Parser:
    """The state of one stream."""

    __slots__ = ("_begun", "_choices", "_destination", "_over")

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._choices: dict[int, ChoiceParser] = {}
        self._begun = False
        self._over = False

    def feed(self, frame: Frame) -> Iterator[Event]:
        """Yield the events of one chunk."""
        if self._over:
            return
        if frame.data == DONE:
            yield from self._done()
            return
        chunk = read_completion(frame.data)
        failure = failure_of(chunk)
        if failure is not None:
            self._over = True
            yield Broken(failure=failure)
            return
        if not self._begun:
            self._begun = True
            yield self._begin(chunk)
        for choice in chunk.choices or ():
            yield from self._reader(choice.index or 0).feed(choice)
        if chunk.usage is not None:
            yield Counted(usage=neutral_usage(chunk.usage))

    def finish(self) -> Iterator[Event]:
        """Yield the end: the stream is whole when a choice has stopped.

        Not every server sends `[DONE]`.
        """
        if self._over:
            return
        self._over = True
        whole = any(choice.stopped for choice in self._choices.values())
        yield Ended() if whole else Broken(failure=ended_early())

    def _done(self) -> Iterator[Event]:
        """Yield the end of a stream that is over for its server, maybe without a reason."""
        for choice in self._choices.values():
            yield from choice.stop(None)
        yield from self.finish()

    def _begin(self, chunk: Completion) -> Begun:
        return Begun(
            id=chunk.id or "",
            model=chunk.model or self._destination.model,
            created=created_in(chunk),
            service_tier=chunk.service_tier,
        )

    def _reader(self, index: int) -> ChoiceParser:
        parser = self._choices.get(index)
        if parser is None:
            parser = self._choices[index] = ChoiceParser(index, self._destination.model)
        return parser


def failure_of(chunk: Completion) -> Failure | None:
    """Return the failure that a chunk tells of; None where it tells of none."""
    error = error_in(chunk)
    if error is not None:
        return failure_in(error)
    reasons = (choice.finish_reason for choice in chunk.choices or ())
    reason = next((reason for reason in reasons if reason in FAULTS), None)
    return None if reason is None else fault(reason)


class ChoiceParser:
    """The state of one choice: the part that is open."""

    __slots__ = (
        "_arguments",
        "_at",
        "_call",
        "_called",
        "_index",
        "_kind",
        "_model",
        "_sound",
        "stopped",
    )

    def __init__(self, index: int, model: str) -> None:
        self._index = index
        self._model = model
        self._at = -1
        self._kind: type[Part] | None = None
        """The type of the part that is open."""
        self._call: WireCall | None = None
        self._arguments: list[str] = []
        """Pieces of the arguments of the call that is open."""
        self._called = False
        self._sound: Audio | None = None
        self.stopped = False

    def feed(self, choice: WireChoice) -> Iterator[Event]:
        """Yield the events of one delta."""
        if self.stopped:
            return
        said = choice.delta or choice.message or WireMessage()
        thought, text = message_thought(said), message_text(said)
        if thought is not None:
            yield from self._open(begun_thought(thought.field, self._model))
            yield ReasoningDelta(at=self._at, text=thought.text, choice=self._index)
        tokens = choice.logprobs.content if choice.logprobs is not None else None
        if text or tokens:
            yield from self._open(Text(text=""))
            yield TextDelta(
                at=self._at,
                text=text,
                choice=self._index,
                logprobs=tuple(tokens) if tokens else None,
            )
        if said.refusal:
            yield from self._open(Refusal(text=""))
            yield RefusalDelta(at=self._at, text=said.refusal, choice=self._index)
        if said.annotations and self._kind is Text:
            for citation in citations_of(said):
                yield Cited(at=self._at, citation=citation, choice=self._index)
        if said.audio is not None:
            self._hear(said)
        for call in said.tool_calls or ():
            yield from self._calling(call)
        if choice.finish_reason:  # some servers say "" until they know
            yield from self.stop(choice.finish_reason)

    def _open(self, part: Part) -> Iterator[Event]:
        """Begin a part, unless one of its kind is open."""
        if self._kind is not type(part):
            yield from self._begin(part)

    def _begin(self, part: Part) -> Iterator[Event]:
        yield from self._close()
        self._at += 1
        self._kind = type(part)
        yield PartBegun(at=self._at, part=part, choice=self._index)

    def _close(self) -> Iterator[Event]:
        if self._kind is not None:
            self._kind = None
            yield PartEnded(at=self._at, choice=self._index)

    def _calling(self, call: WireCall) -> Iterator[Event]:
        """Yield the events of a call, or of a further piece of one."""
        arguments = arguments_of(call)
        if self._is_another(call, arguments):
            self._call = call
            self._called = True
            self._arguments = []
            yield from self._begin(msgspec.structs.replace(call_of(call), arguments=""))
        if arguments:
            self._arguments.append(arguments)
            yield ArgumentsDelta(at=self._at, text=arguments, choice=self._index)

    def _is_another(self, call: WireCall, arguments: str) -> bool:
        """Return True where a call begins. Raises `BrokenReply` for more of one that is over.

        Only the index should tell, and only the first piece have a name and an id. But there are
        servers that give no index or always 0, no id or a new one to each piece, and each piece
        its name.
        """
        last = self._call if self._kind is ToolCall else None
        if last is None:
            return True
        moved = None not in {call.index, last.index} and call.index != last.index
        name = name_of(call)
        if not name:
            if moved:
                raise BrokenReply("the upstream's stream goes on with a call that is not open")
            return False
        if moved or name != name_of(last):
            return True
        if call.id:
            return call.id != last.id
        return bool(arguments) and is_whole("".join(self._arguments))

    def _hear(self, said: WireMessage) -> None:
        """Keep a piece of speech: each is base64 of its own, and events take it whole."""
        piece = said.audio
        if piece is None:
            return
        heard = self._sound or Audio(data="", transcript="")
        self._sound = Audio(
            id=piece.id or heard.id,
            data=(heard.data or "") + (piece.data or ""),
            transcript=(heard.transcript or "") + (piece.transcript or ""),
            expires_at=piece.expires_at or heard.expires_at,
        )

    def stop(self, reason: str | None) -> Iterator[Event]:
        """Yield the end of the choice, once."""
        if self.stopped:
            return
        if self._sound is not None:
            yield from self._begin(self._sound)
        yield from self._close()
        self.stopped = True
        yield Stopped(stop=stop_of(reason, called=self._called), choice=self._index)


def is_whole(arguments: str) -> bool:
    """Return True where nothing can be added to arguments."""
    try:
        msgspec.json.decode(arguments)
    except UNREADABLE:
        return False
    return True
