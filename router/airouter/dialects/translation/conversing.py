"""Conversations between two dialects: from the client's to the provider's, and back."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.assembly import Assembly
from airouter.dialects.claude.betas import with_betas
from airouter.dialects.client_request import Edits, Envelope, edited, enveloped
from airouter.dialects.conversation import Unsupported
from airouter.dialects.escapes import SplitEscapes
from airouter.dialects.joining.resuming import is_joinable
from airouter.dialects.long_texts import MOST_MADE, check_rows
from airouter.dialects.media import inlined
from airouter.dialects.retelling import retold
from airouter.dialects.translation.base import ClientAnswer, StreamFilter, Translation
from airouter.dialects.translation.custom_tools import custom_names, unwrapped
from airouter.dialects.translation.length import within
from airouter.dialects.translation.refusal import unsupported_failure
from airouter.dialects.translation.single_call import wants_one_call, with_one_call
from airouter.dialects.translation.stages import stages_for
from airouter.dialects.translation.stream_translator import (
    TOO_DEEP,
    JoinedTranslator,
    StreamTranslator,
    read_frame,
)
from airouter.dialects.translation.tool_names import (
    own_names,
    with_fitting_names,
    with_own_names,
)
from airouter.dialects.translation.unique_calls import with_unique_calls
from airouter.failures import Failure, unreadable_json
from airouter.interfaces import BrokenReply
from airouter.untrusted import has_more_objects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.client_request import ClientRequest
    from airouter.dialects.conversation import Answer, Conversation, Destination
    from airouter.dialects.dialect import (
        ClientDialect,
        UpstreamDialect,
        Write,
    )
    from airouter.interfaces import BufferedReply

STREAMS = (b"text/event-stream", b"application/vnd.amazon.eventstream")
EVENTS = (b"data:", b"event:", b":")
MOST_OBJECTS = 250_000
"""Of a whole answer: as many as 10,000 tokens have with their twenty likeliest alternatives."""


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
            conversation = with_fitting_names(conversation, self._upstream.tool_names)
            body = self._upstream.render_request(conversation, self._destination)
        except Unsupported as unsupported:
            raise unsupported_failure(
                unsupported, self._public_model, self._client.fields
            ) from None
        except RecursionError:  # a provider's body may have a few levels more than the client's
            raise unreadable_json("it is nested too deeply") from None
        return [enveloped(body, self._envelope) if self._envelope else body]

    def has_read(self, request: ClientRequest) -> bool:
        """Return whether a request was read, be it to be rendered or to be told in another form."""
        return self._edits in request.conversations or self._edits in request.frames

    def reads(self, request: ClientRequest) -> bool:
        """Return whether a request that passed through can be told in another form."""
        try:
            self._frame(request)
        except Failure:
            return False
        return True

    def answer(self, request: ClientRequest, replies: Sequence[BufferedReply]) -> ClientAnswer:
        (reply,) = replies
        conversation = self._frame(request)
        answer = self._answer(request, conversation, reply)
        try:
            body = self._client.render_response(answer, conversation)
        except RecursionError:  # a client's body may have a few levels more than the provider's
            raise BrokenReply(TOO_DEEP) from None
        return ClientAnswer(request.seal(body) if request.seal else body, answer.usage)

    def retold(self, request: ClientRequest, reply: BufferedReply) -> ClientAnswer:
        conversation = self._frame(request)
        answer = self._answer(request, conversation, reply)
        renderer = self._client.stream_renderer(conversation)
        try:
            body = b"".join(map(renderer.feed, retold(answer)))
        except RecursionError:
            raise BrokenReply(TOO_DEEP) from None
        return ClientAnswer(request.seal(body) if request.seal else body, answer.usage)

    def _answer(
        self, request: ClientRequest, conversation: Conversation, reply: BufferedReply
    ) -> Answer:
        """Return the answer as the client is to know it. Raises `BrokenReply` and `Failure`."""
        if is_stream(reply):
            answer = self._assembled(reply.body)
        else:
            if has_more_objects(reply.body, MOST_OBJECTS):
                raise BrokenReply("the upstream's answer has too many objects")
            answer = self._upstream.parse_response(reply.body, self._destination)
        request.answered_by = answer.model
        answer = with_unique_calls(msgspec.structs.replace(answer, model=self._public_model))
        answer = with_own_names(answer, own_names(conversation))
        answer = unwrapped(answer, custom_names(conversation))
        return with_one_call(answer) if wants_one_call(conversation) else answer

    def _assembled(self, stream: bytes) -> Answer:
        """Return the answer that a stream gives. Raises `BrokenReply` and `Failure`."""
        parser, assembly = self._upstream.stream_parser(self._destination), Assembly()
        framing, escapes = self._upstream.framing(), SplitEscapes()
        frames = [*framing.feed(stream), *framing.rest()]
        told = (read_frame(frame, parser, escapes) for frame in frames)
        for event in chain(chain.from_iterable(told), parser.finish()):
            assembly.feed(event)
        if assembly.failure is not None:
            raise assembly.failure
        return assembly.answer()

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
            framing, parser, renderer, write, stages, request=request, model=self._public_model
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
            if len(body) > MOST_MADE:
                check_rows(known.turns)
            self._client.check_version(known, request.version)
            known = with_betas(known, request.betas)
            if request.answer_id is not None:
                known = msgspec.structs.replace(known, answer_id=request.answer_id)
            request.conversations[self._edits] = known
        return known


def is_stream(reply: BufferedReply) -> bool:
    """Return True for a stream that was read to its end: some servers know no other answer."""
    kind = reply.headers.get(b"content-type", b"").lower()
    return kind.startswith(STREAMS) or reply.body.startswith(EVENTS)
