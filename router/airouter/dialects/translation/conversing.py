"""Conversations between two dialects: from the client's to the provider's, and back."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.claude.betas import with_betas
from airouter.dialects.client_request import Edits, Envelope, edited, enveloped
from airouter.dialects.conversation import Unsupported, Usage
from airouter.dialects.ending import DONE, MORE
from airouter.dialects.escapes import SplitEscapes
from airouter.dialects.estimation import tokens_in, tokens_of_prompt
from airouter.dialects.events import (
    ArgumentsDelta,
    Begun,
    Broken,
    Counted,
    Ended,
    PartBegun,
    PartEnded,
    ReasoningDelta,
    RefusalDelta,
    Stopped,
    TextDelta,
)
from airouter.dialects.joining.resuming import is_joinable
from airouter.dialects.media import inlined
from airouter.dialects.spending import added
from airouter.dialects.translation.base import ClientAnswer, Mask, StreamFilter, Translation
from airouter.dialects.translation.custom_tools import Unwrapper, custom_names, unwrapped
from airouter.dialects.translation.cutting import cut_events
from airouter.dialects.translation.length import within
from airouter.dialects.translation.long_names import (
    Lengthener,
    long_names,
    with_long_names,
    with_short_names,
)
from airouter.dialects.translation.refusal import unsupported_failure
from airouter.dialects.translation.single_call import OneCall, wants_one_call, with_one_call
from airouter.dialects.translation.unique_calls import UniqueCalls, with_unique_calls
from airouter.failures import unreadable_json
from airouter.interfaces import BrokenReply, Surplus, UpstreamRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from airouter.dialects.client_request import ClientRequest
    from airouter.dialects.conversation import Conversation, Destination
    from airouter.dialects.dialect import (
        ClientDialect,
        Framing,
        Stage,
        StreamParser,
        StreamRenderer,
        UpstreamDialect,
        Write,
    )
    from airouter.dialects.events import Event
    from airouter.dialects.joining.joined_answer import JoinedAnswer
    from airouter.failures import Failure
    from airouter.interfaces import BufferedReply


COUNTS = (Begun, Counted)
TEXTS = (TextDelta, ReasoningDelta, RefusalDelta, ArgumentsDelta)
PARTS = (PartBegun, PartEnded)
TOO_DEEP = "the upstream's answer is nested too deeply"


class ConversationTranslation(Translation):
    """From `client` to `upstream`, for one model; `public_model` is its name in errors."""

    joins = True

    def __init__(
        self,
        client: ClientDialect,
        upstream: UpstreamDialect,
        destination: Destination,
        edits: Edits,
        *,
        public_model: str,
        envelope: Envelope,
    ) -> None:
        self._client = client
        self._upstream = upstream
        self._destination = destination
        self._edits = edits
        self._public_model = public_model
        self._envelope = envelope

    def fetches(self, request: ClientRequest) -> list[str]:
        return self._upstream.fetches(self._conversation(request))

    def encode(self, request: ClientRequest) -> list[bytes]:
        conversation = inlined(self._conversation(request), request.fetched)
        conversation = within(conversation, self._destination.max_output_tokens)
        try:
            if request.joined is not None:
                prefills = self._upstream.prefills(self._destination.model)
                conversation = request.joined.resumed(conversation, prefills=prefills)
            if not self._upstream.long_names:
                conversation = with_short_names(conversation)
            body = self._upstream.render_request(conversation, self._destination)
        except Unsupported as unsupported:
            raise unsupported_failure(
                unsupported, self._public_model, self._client.fields
            ) from None
        except RecursionError:  # a provider's body may have a few levels more than the client's
            raise unreadable_json("it is nested too deeply") from None
        return [enveloped(body, self._envelope) if self._envelope else body]

    def answer(self, request: ClientRequest, replies: Sequence[BufferedReply]) -> ClientAnswer:
        (reply,) = replies
        answer = self._upstream.parse_response(reply.body, self._destination)
        answer = with_unique_calls(msgspec.structs.replace(answer, model=self._public_model))
        conversation = self._frame(request)
        answer = with_long_names(answer, long_names(conversation))
        answer = unwrapped(answer, custom_names(conversation))
        if wants_one_call(conversation):
            answer = with_one_call(answer)
        try:
            body = self._client.render_response(answer, conversation)
        except RecursionError:  # a client's body may have a few levels more than the provider's
            raise BrokenReply(TOO_DEEP) from None
        return ClientAnswer(request.seal(body) if request.seal else body, answer.usage)

    def stream_filter(self, request: ClientRequest, write: Write) -> StreamFilter:
        conversation = self._frame(request)
        framing = self._upstream.framing()
        parser = self._upstream.stream_parser(self._destination)
        joined = request.joined
        if joined is not None and joined.is_begun:
            return JoinedTranslator(framing, parser, joined, write, request, self._public_model)
        renderer, stages = self._client.stream_renderer(conversation), stages_for(conversation)
        if joined is not None and is_joinable(conversation):
            joined.begin(renderer, stages)
            return JoinedTranslator(framing, parser, joined, write, request, self._public_model)
        request.joined = None
        return StreamTranslator(
            framing, parser, renderer, write, stages, request.seal, model=self._public_model
        )

    def _frame(self, request: ClientRequest) -> Conversation:
        """Return the request as its answer needs it, perhaps without turns."""
        return request.frames.get(self._edits) or self._conversation(request)

    def _conversation(self, request: ClientRequest) -> Conversation:
        """Return the request with the model's parameters; parsed once for each set of these."""
        known = request.conversations.get(self._edits)
        if known is None:
            body = edited(request, self._edits)
            known = self._client.parse_request(body)
            self._client.check_version(known, request.version)
            known = with_betas(known, request.betas)
            if request.answer_id is not None:
                known = msgspec.structs.replace(known, answer_id=request.answer_id)
            request.conversations[self._edits] = known
        return known


def stages_for(conversation: Conversation) -> tuple[Stage, ...]:
    """Return the stages that an answer needs; most need none."""
    names, custom = long_names(conversation), custom_names(conversation)
    stages: list[Stage] = [Lengthener(names)] if names else []
    if custom:
        stages.append(Unwrapper(custom))
    if wants_one_call(conversation):
        stages.append(OneCall())
    return tuple(stages)


class StreamTranslator:
    """One stream on its way from a provider's frames to a client's."""

    __slots__ = (
        "_counted",
        "_ended",
        "_escapes",
        "_framing",
        "_mask",
        "_model",
        "_open",
        "_parser",
        "_renderer",
        "_request_id",
        "_seal",
        "_sent",
        "_stages",
        "_started",
        "_stopped",
        "_text",
        "_unique",
        "_usage",
        "failure",
        "write",
    )

    def __init__(
        self,
        framing: Framing,
        parser: StreamParser,
        renderer: StreamRenderer,
        write: Write,
        stages: Sequence[Stage] = (),
        seal: Callable[[bytes], bytes] | None = None,
        *,
        model: str,
    ) -> None:
        """Take the name of the `model` that the client knows: a provider's may say whose it is."""
        self._model = model
        self._seal = seal
        self.write = write
        self._stages = stages
        self.failure: Failure | None = None
        self._framing = framing
        self._escapes = SplitEscapes()
        self._parser = parser
        self._renderer = renderer
        self._sent = 0
        """Times that the client has got something."""
        self._stopped = False
        self._mask: Mask | None = None
        self._request_id: str | None = None
        self._started = False
        self._ended = False
        self._open: PartBegun | None = None
        """The part that is not whole."""
        self._text = 0
        """Bytes of text, of reasoning and of calls that came."""
        self._usage: Usage | None = None
        self._unique = UniqueCalls()
        self._counted = False
        """Whether the usage is of more than the beginning."""

    def guard(self, mask: Mask, request_id: str) -> None:
        self._mask = mask
        self._request_id = request_id

    def feed(self, data: bytes) -> None:
        out: list[bytes] = []
        try:
            for frame in self._framing.feed(data):
                if self._ended and frame.data != DONE:
                    self._send(out)
                    raise Surplus(MORE)
                if frame.data.find(b"\\u") >= 0:
                    whole = self._escapes.joined(frame.data)
                    out += map(self._take, self._parser.feed(frame._replace(data=whole)))
                else:
                    out += map(self._take, self._parser.feed(frame))
        except Surplus:
            raise
        except (BrokenReply, RecursionError, UpstreamRefused) as error:
            if self._sent:  # else another backend may still be asked
                self._send(out)
            if isinstance(error, RecursionError):
                raise BrokenReply(TOO_DEEP) from None
            raise
        self._send(out)

    def finish(self) -> Usage | None:
        try:
            out = [self._take(event) for event in self._parser.finish()]
        except RecursionError:
            raise BrokenReply(TOO_DEEP) from None
        self._send(out)
        return self._usage

    def usage_so_far(self, received: int) -> Usage:  # noqa: ARG002  # the text itself is counted
        try:
            for event in self._parser.finish():  # with what some know, and tell at the end alone
                if isinstance(event, COUNTS):
                    self._note(event)
        except (BrokenReply, RecursionError):
            pass
        usage = self._usage or Usage()
        if self._counted and usage.output_tokens:
            return usage
        return msgspec.structs.replace(usage, output_tokens=tokens_in(self._text))

    def is_whole(self) -> bool:
        return self._stopped

    def progress(self, received: int) -> int:  # noqa: ARG002  # much of it is nothing for a client
        return self._sent

    def tokens_so_far(self, received: int) -> int:  # noqa: ARG002  # the text itself is counted
        return tokens_in(self._text)

    def cut_short(self) -> None:
        events = cut_events(self._open, self.usage_so_far(0))
        self._send([self._take(event) for event in events])

    def break_off(self, failure: Failure) -> None:
        self.write(self._renderer.feed(Broken(failure=failure)))

    def _take(self, event: Event) -> bytes:
        """Return an event for the client. Raises `UpstreamRefused` for an error before all else."""
        if isinstance(event, TEXTS):
            self._text += len(event.text.encode())
        elif isinstance(event, COUNTS):
            self._note(event)
            if isinstance(event, Begun):
                event = msgspec.structs.replace(event, model=self._model)
        elif isinstance(event, PARTS):
            event = self._part(event)
        elif isinstance(event, Broken):
            self._break(event.failure)
        elif isinstance(event, Stopped):
            self._stopped = True
        elif isinstance(event, Ended):
            self._ended = True
        self._started = True
        if not self._stages:
            return self._renderer.feed(event)
        events: Iterable[Event] = (event,)
        for stage in self._stages:
            events = chain.from_iterable(map(stage.feed, events))
        return b"".join(map(self._renderer.feed, events))

    def _part(self, event: PartBegun | PartEnded) -> PartBegun | PartEnded:
        """Return the begin or the end of a part, of which it takes note."""
        self._open = self._unique.begun(event) if isinstance(event, PartBegun) else None
        return self._open or event

    def _break(self, failure: Failure) -> None:
        """Take note of an error. Raises `UpstreamRefused` for one before all else."""
        if self._mask is not None:
            self._mask.failure(failure)
        failure.request_id = self._request_id
        if not self._started:  # another backend may still be asked
            raise UpstreamRefused(failure)
        self.failure = failure

    def _note(self, event: Begun | Counted) -> None:
        self._usage = event.usage or self._usage
        self._counted = isinstance(event, Counted)

    def _send(self, pieces: list[bytes]) -> None:
        out = b"".join(pieces)
        if out:
            self._sent += 1
            self.write(self._seal(out) if self._seal else out)


class JoinedTranslator(StreamTranslator):
    """One of the streams that make an answer. An error inside it is for the attempt to end with."""

    __slots__ = ("_joined", "_prompt")

    def __init__(
        self,
        framing: Framing,
        parser: StreamParser,
        joined: JoinedAnswer,
        write: Write,
        request: ClientRequest,
        model: str,
    ) -> None:
        super().__init__(framing, parser, joined, write, seal=request.seal, model=model)
        self._joined = joined
        self._prompt = partial(tokens_of_prompt, request.body, joined.seam.text)
        self._sent = 1  # what came before a fault is part of the answer that is gone on with
        joined.add_stream(self.usage_so_far)

    def finish(self) -> Usage | None:
        usage = super().finish()
        return usage if self._joined.seam.spent is None else self.usage_so_far(0)

    def usage_so_far(self, received: int) -> Usage:
        """Return the cost of this stream and of those before it; the input is told, too."""
        return added(self._joined.seam.spent, self._own_usage(received))

    def break_off(self, failure: Failure) -> None:
        if self._joined.seam.can_end:
            self.write(self._joined.feed(Counted(usage=self._own_usage(0))))
        super().break_off(failure)

    def _take(self, event: Event) -> bytes:
        """Return an event for the client. Raises `UpstreamRefused` for an error inside a stream."""
        seam = self._joined.seam
        if isinstance(event, Broken) and (seam.can_go_on or seam.can_end):
            raise UpstreamRefused(event.failure)
        if isinstance(event, Ended) and seam.spent is not None and not self._counted:
            own = self._joined.feed(Counted(usage=self._own_usage(0)))
            return own + super()._take(event)
        return super()._take(event)

    def _own_usage(self, received: int) -> Usage:
        """Return the cost of this stream alone, estimated where it was not told."""
        usage = super().usage_so_far(received)
        if usage.input_tokens is None:
            return msgspec.structs.replace(usage, input_tokens=self._prompt())
        return usage
