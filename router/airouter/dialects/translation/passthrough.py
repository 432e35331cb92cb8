"""One dialect on both sides: bytes as they come, edited only where they must be."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.history import may_be_unreadable, readable
from airouter.dialects.chat.usage import UsageHider, UsageReader
from airouter.dialects.claude.betas import BETA_FIELD, BETA_HEADER, named_betas, taken_betas
from airouter.dialects.client_request import (
    Edits,
    Envelope,
    render_passthrough,
    rewritten,
)
from airouter.dialects.messages.billing import without_billing
from airouter.dialects.messages.counts import usage_of as messages_usage
from airouter.dialects.messages.thoughts import has_unsigned_thoughts
from airouter.dialects.messages.usage import UsageReader as MessagesUsageReader
from airouter.dialects.openai_usage import CHAT_BODY, RESPONSES_BODY, usage_in
from airouter.dialects.provenance import MARK, without_packed
from airouter.dialects.responses.usage import UsageReader as ResponsesUsageReader
from airouter.dialects.translation.base import ClientAnswer, StreamFilter, Translation
from airouter.failures import Failure, unreadable_content
from airouter.interfaces import BrokenReply
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping, Sequence

    from airouter.dialects.client_request import ClientRequest
    from airouter.dialects.conversation import Usage
    from airouter.dialects.dialect import Write
    from airouter.dialects.translation.conversing import ConversationTranslation
    from airouter.interfaces import BufferedReply


class PackedItem(msgspec.Struct):
    """An item that may carry packed reasoning."""

    type: str = "message"


_packed_item = msgspec.json.Decoder(PackedItem)


class PassThrough(Translation):
    """The way to OpenAI's APIs. `model` is the provider's name of the model, as JSON.

    An answer that several streams may make is written by `rewriting`, and so is the request to go
    on with one.
    """

    same_dialect = True

    def __init__(
        self,
        model: msgspec.Raw,
        edits: Edits,
        rewriting: ConversationTranslation | None = None,
        *,
        refused_fields: frozenset[str] = frozenset(),
    ) -> None:
        """Take `refused_fields`, of the model's messages, that the provider does not know."""
        self._model = model
        self._edits = edits
        self._refused_fields = refused_fields
        self._rewriting = rewriting
        self.joins = rewriting is not None

    def encode(self, request: ClientRequest) -> list[bytes]:
        if request.joined is not None and request.joined.is_resumed and self._rewriting is not None:
            return self._rewriting.encode(request)
        body = render_passthrough(request, self._model, self._edits)
        if may_be_unreadable(body):
            body = readable(body, self._refused_fields)
        return [without_packed(body) if MARK.encode() in body else body]

    def answer(self, request: ClientRequest, replies: Sequence[BufferedReply]) -> ClientAnswer:  # noqa: ARG002
        (reply,) = replies
        return answered(reply.body, usage_in(CHAT_BODY, reply.body))

    def stream_filter(self, request: ClientRequest, write: Write) -> StreamFilter:
        if request.joined is not None and self._rewriting is not None:
            joined = joined_filter(self._rewriting, request, write)
            if joined is not None:
                return joined
        hidden = request.stream and not request.include_usage
        return UsageHider(write) if hidden else UsageReader(write)


class MessagesPassThrough(Translation):
    """The way to Anthropic's API, also behind another cloud, whose `envelope` the body gets.

    A thinking block that another provider signed, or nobody, would be refused; a request with one
    in it is rendered anew by `rewriting`, which leaves it out. An answer that several streams may
    make is written by it, and so is the request to go on with one.
    """

    same_dialect = True
    joins = True

    def __init__(
        self,
        edits: Edits,
        envelope: Envelope,
        rewriting: ConversationTranslation,
        betas: Mapping[str, str] | None = None,
    ) -> None:
        """Take an `envelope` with the provider's name of the model, where the body has that.

        `betas` is the table of a cloud that is not Anthropic's own.
        """
        self._edits = edits
        self._envelope = {**envelope, BETA_FIELD: None}  # which goes into the header
        self._rewriting = rewriting
        self._betas = betas

    def passed_headers(
        self, request: ClientRequest, passed: dict[bytes, bytes]
    ) -> dict[bytes, bytes]:
        field = request.fields.get(BETA_FIELD)
        if self._betas is None and field is None:
            return passed
        betas = taken_betas(named_betas(request.betas, field), self._betas)
        kept = {name: value for name, value in passed.items() if name != BETA_HEADER}
        if betas:
            kept[BETA_HEADER] = ",".join(betas).encode("ascii", "replace")
        return kept

    def encode(self, request: ClientRequest) -> list[bytes]:
        resumes = request.joined is not None and request.joined.is_resumed
        if resumes or MARK.encode() in request.body or has_unsigned_thoughts(request.body):
            return self._rewriting.encode(request)
        body = rewritten(request, self._edits, self._envelope)
        return [body if self._betas is None else without_billing(body)]

    def answer(self, request: ClientRequest, replies: Sequence[BufferedReply]) -> ClientAnswer:  # noqa: ARG002
        (reply,) = replies
        return answered(reply.body, messages_usage(reply.body))

    def stream_filter(self, request: ClientRequest, write: Write) -> StreamFilter:
        if request.joined is not None:
            joined = joined_filter(self._rewriting, request, write)
            if joined is not None:
                return joined
        return MessagesUsageReader(write)


class ResponsesPassThrough(Translation):
    """The way to OpenAI's Responses. Reasoning of other providers is left out of a request."""

    same_dialect = True

    def __init__(self, model: str, edits: Edits, *, foreign: re.Pattern[bytes]) -> None:
        """Take `foreign`, a pattern of items that the provider would not know."""
        self._edits = edits
        self._foreign = foreign
        self._envelope = {"model": msgspec.Raw(msgspec.json.encode(model))}

    def encode(self, request: ClientRequest) -> list[bytes]:
        envelope: Envelope = self._envelope
        if request.envelope:
            envelope = {**envelope, **request.envelope}
        body = rewritten(request, self._edits, envelope)
        return [without_foreign(body, self._foreign) if body.find(b"__airouter") >= 0 else body]

    def answer(self, request: ClientRequest, replies: Sequence[BufferedReply]) -> ClientAnswer:
        (reply,) = replies
        body = reply.body
        if request.rename is not None:
            body = request.rename(request.credential, body)
        return answered(body, usage_in(RESPONSES_BODY, reply.body))

    def stream_filter(self, request: ClientRequest, write: Write) -> StreamFilter:
        rename = partial(request.rename, request.credential) if request.rename else None
        return ResponsesUsageReader(write, rename)


def joined_filter(
    rewriting: ConversationTranslation, request: ClientRequest, write: Write
) -> StreamFilter | None:
    """Return the filter for a stream of an answer that several may make; None for any other.

    What only the provider can read of a request passes through, and so does its answer.
    """
    try:
        found = rewriting.stream_filter(request, write)
    except Failure:
        request.joined = None
    return None if request.joined is None else found


def answered(body: bytes, usage: Usage | None) -> ClientAnswer:
    """Return a provider's answer as it is. Raises `BrokenReply` for one that is no JSON object.

    Such as the page of a gateway, with status 200. Only an answer without usage is looked at.
    """
    if usage is None and not body.lstrip().startswith(b"{"):
        raise BrokenReply("the upstream's answer is not a JSON object")
    return ClientAnswer(body, usage)


def without_foreign(body: bytes, foreign: re.Pattern[bytes]) -> bytes:
    """Return a body without the reasoning that another provider packed.

    Raises `Failure` 400 for a compaction: without it, all that it stands for would be lost.
    """
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    given = fields.get("input", msgspec.Raw(b""))
    if not bytes(given).startswith(b"["):
        return body
    items = msgspec.json.decode(given, type=list[msgspec.Raw])
    kept = [item for item in items if not is_foreign(item, foreign)]
    fields["input"] = msgspec.Raw(msgspec.json.encode(kept))
    return msgspec.json.encode(fields)


def is_foreign(item: msgspec.Raw, foreign: re.Pattern[bytes]) -> bool:
    """Return True for an item with reasoning of another provider. Raises `Failure` 400."""
    if not foreign.search(item):
        return False
    packed = decoded_or_none(_packed_item, item)
    if packed is None:  # no item at all, which the provider may refuse
        return False
    if packed.type == "compaction":
        raise unreadable_content("input")
    return packed.type == "reasoning"
