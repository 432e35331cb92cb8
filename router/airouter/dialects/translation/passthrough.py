"""One dialect on both sides: bytes as they come, edited only where they must be."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.calls import with_mended_calls as with_chat_calls
from airouter.dialects.chat.history import may_be_unreadable, readable
from airouter.dialects.chat.plain_content import PlainHider, PlainReader, with_plain_content
from airouter.dialects.chat.usage import UsageHider, UsageReader
from airouter.dialects.claude.betas import BETA_FIELD, BETA_HEADER, named_betas, taken_betas
from airouter.dialects.claude.models import traits_of
from airouter.dialects.client_request import (
    NO_WORDS,
    Edits,
    Envelope,
    edited_fields,
    encoded_around,
    render_passthrough,
)
from airouter.dialects.declared_names import has_refused_name
from airouter.dialects.images.usage import UsageReader as ImagesUsageReader
from airouter.dialects.messages.billing import without_billing
from airouter.dialects.messages.blanks import BLANK, remove_blanks
from airouter.dialects.messages.calls import with_mended_calls as with_messages_calls
from airouter.dialects.messages.counts import usage_of as messages_usage
from airouter.dialects.messages.errors import failure_in as messages_failure
from airouter.dialects.messages.generations import is_beyond
from airouter.dialects.messages.own_fields import without_own_fields
from airouter.dialects.messages.thoughts import has_refused_thoughts
from airouter.dialects.messages.tool_changes import may_change_tools
from airouter.dialects.messages.usage import UsageReader as MessagesUsageReader
from airouter.dialects.openai_usage import CHAT_BODY, RESPONSES_BODY, images_usage_in, usage_in
from airouter.dialects.provenance import MARK, is_of_claude, without_packed
from airouter.dialects.raw_json import mended
from airouter.dialects.responses.calls import with_mended_calls as with_responses_calls
from airouter.dialects.responses.item_ids import fit_items
from airouter.dialects.responses.usage import UsageReader as ResponsesUsageReader
from airouter.dialects.responses.usage import whole_response
from airouter.dialects.translation import whole_answer as whole
from airouter.dialects.translation.base import ClientAnswer, StreamFilter, Translation
from airouter.dialects.translation.conversing import is_stream
from airouter.dialects.translation.responses_names import with_names_restored, with_names_taken
from airouter.failures import Failure, unreadable_content
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airouter.dialects.client_request import ClientRequest, Fields, Words
    from airouter.dialects.conversation import Destination
    from airouter.dialects.dialect import Write
    from airouter.dialects.responses.usage import Rename
    from airouter.dialects.translation.conversing import ConversationTranslation
    from airouter.dialects.upstream_api import IdRule
    from airouter.interfaces import BufferedReply


class PackedItem(msgspec.Struct):
    """An item that may carry packed reasoning."""

    type: str = "message"


JPG = b'"image/jpg"'
MEDIA_TYPE = re.compile(rb'("media_type"\s*:\s*)"image/jpg"')
"""Of an image, by a name that clients write, and Anthropic does not take."""
PACKED = MARK.encode()
"""In a body that carries what this router has packed."""


_packed_item = msgspec.json.Decoder(PackedItem)


class PassThrough(Translation):
    """The way to OpenAI's APIs. `model` is the provider's name of the model, as JSON.

    An answer that several streams may make is written by `rewriting`, and so is the request to go
    on with one. A request with tools whose names are refused is translated there and back.
    """

    same_dialect = True
    fields: Sequence[bytes] = (whole.CHOICES,)

    def __init__(
        self,
        model: msgspec.Raw,
        edits: Edits,
        rewriting: ConversationTranslation | None = None,
        *,
        refused_fields: frozenset[str] = frozenset(),
        id_rule: IdRule | None = None,
        unfit_name: re.Pattern[bytes] | None = None,
        words: Words = NO_WORDS,
        in_pieces: bool = False,
    ) -> None:
        """Take `refused_fields`, of the model's messages, that the provider does not know.

        `id_rule`, `unfit_name`, `words` and `in_pieces` are as `UpstreamApi` has them.
        """
        self._model = model
        self._edits = edits
        self._refused_fields = refused_fields
        self._id_rule = id_rule
        self._rewriting = rewriting
        self._unfit_name = unfit_name
        self._words = words
        self._in_pieces = in_pieces
        self.joins = rewriting is not None

    def encode(self, request: ClientRequest) -> list[bytes]:
        resumes = request.joined is not None and request.joined.is_resumed
        if self._rewriting is not None and (resumes or self._renames(request)):
            return self._rewriting.encode(request)
        body = render_passthrough(request, self._model, self._edits, self._words)
        if body.find(PACKED) >= 0:
            body = without_packed(body)
        if may_be_unreadable(body, self._id_rule):
            body = readable(body, self._refused_fields, self._id_rule)
        return [body]

    def answer(self, request: ClientRequest, replies: Sequence[BufferedReply]) -> ClientAnswer:
        (reply,) = replies
        rewriting = self._rewriting
        if rewriting is not None and (
            self._renamed(request) or (is_stream(reply) and rewriting.reads(request))
        ):
            return rewriting.answer(request, replies)
        body = mended(with_chat_calls, reply.body)
        if self._in_pieces:
            body = mended(with_plain_content, body)
        return whole.answered(body, usage_in(CHAT_BODY, reply.body), self.fields)

    def retold(self, request: ClientRequest, reply: BufferedReply) -> ClientAnswer | None:
        rewriting = self._rewriting
        if rewriting is None or not rewriting.reads(request):
            return None
        return rewriting.retold(request, reply)

    def stream_filter(self, request: ClientRequest, write: Write) -> StreamFilter:
        if request.joined is not None and self._rewriting is not None:
            joined = joined_filter(self._rewriting, request, write)
            if joined is not None:
                return joined
        if self._rewriting is not None and self._renamed(request):
            return self._rewriting.stream_filter(request, write)
        hidden = request.stream and not request.include_usage
        if self._in_pieces:
            return PlainHider(write) if hidden else PlainReader(write)
        return UsageHider(write) if hidden else UsageReader(write)

    def _renames(self, request: ClientRequest) -> bool:
        """Return whether a tool has a name that must be another one for the provider."""
        return has_refused_name(request.fields, self._unfit_name)

    def _renamed(self, request: ClientRequest) -> bool:
        """Return whether a tool had another name for the provider, which few requests need ask."""
        read = self._rewriting is not None and self._rewriting.has_read(request)
        return read and self._renames(request)


class OlderPassThrough(PassThrough):
    """The way to what OpenAI had before Responses, but for chat completions."""

    fields = whole.DATA, whole.CHOICES


class ImagesPassThrough(PassThrough):
    """The way to OpenAI's API for images, which tells usage in the words of Responses."""

    def answer(self, request: ClientRequest, replies: Sequence[BufferedReply]) -> ClientAnswer:  # noqa: ARG002
        (reply,) = replies
        return whole.answered(reply.body, images_usage_in(reply.body), (whole.DATA,))

    def stream_filter(self, request: ClientRequest, write: Write) -> StreamFilter:  # noqa: ARG002
        return ImagesUsageReader(write)


class MessagesPassThrough(Translation):
    """The way to Anthropic's API, also behind another cloud, whose `envelope` the body gets.

    A thinking block that another provider signed, or nobody, would be refused, and so would what
    the model is too old for; such a request is rendered anew by `rewriting`, which leaves the one
    out, and says the other in older words. One with tools whose names are refused is translated
    there and back. An answer that several streams may make is written by it, and so is the request
    to go on with one.
    """

    same_dialect = True
    joins = True

    def __init__(
        self,
        destination: Destination,
        edits: Edits,
        envelope: Envelope,
        rewriting: ConversationTranslation,
        betas: Mapping[str, str] | None = None,
        unfit_name: re.Pattern[bytes] | None = None,
    ) -> None:
        """Take an `envelope` with the provider's name of the model, where the body has that.

        `betas` is the table of a cloud that is not Anthropic's own; `unfit_name` is as
        `UpstreamApi` has it.
        """
        self._traits = traits_of(destination.model)
        self._to_claude = is_of_claude(destination.maker)
        self._edits = edits
        self._envelope = {**envelope, BETA_FIELD: None}  # which goes into the header
        self._rewriting = rewriting
        self._betas = betas
        self._unfit_name = unfit_name

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
        fields = edited_fields(request, self._edits)
        if self._is_anew(request, fields):
            (body,) = self._rewriting.encode(request)
            return [self._for_cloud(body)]
        if BLANK.search(request.body):
            remove_blanks(fields)
        body = encoded_around(fields, self._envelope)
        if body.find(JPG) >= 0:
            body = MEDIA_TYPE.sub(rb'\1"image/jpeg"', body)
        return [self._for_cloud(body)]

    def _for_cloud(self, body: bytes) -> bytes:
        """Return a body without what only Anthropic's own service takes, where it is another."""
        return body if self._betas is None else without_own_fields(without_billing(body))

    def _is_anew(self, request: ClientRequest, fields: Fields) -> bool:
        """Return whether a request has to be rendered anew."""
        if request.joined is not None and request.joined.is_resumed:
            return True
        if self._renames(request):
            return True
        if self._betas is not None and may_change_tools(request.body):  # a beta of Anthropic's own
            return True
        if request.body.find(PACKED) >= 0 or is_beyond(fields, self._traits):
            return True
        return has_refused_thoughts(request.body, to_claude=self._to_claude)

    def _renames(self, request: ClientRequest) -> bool:
        """Return whether a tool has a name that must be another one for the provider."""
        return has_refused_name(request.fields, self._unfit_name)

    def _renamed(self, request: ClientRequest) -> bool:
        """Return whether a tool had another name for the provider, which few requests need ask."""
        return self._rewriting.has_read(request) and self._renames(request)

    def answer(self, request: ClientRequest, replies: Sequence[BufferedReply]) -> ClientAnswer:
        (reply,) = replies
        if self._renamed(request) or (is_stream(reply) and self._rewriting.reads(request)):
            return self._rewriting.answer(request, replies)
        body = mended(with_messages_calls, reply.body)
        return whole.answered(body, messages_usage(reply.body), (whole.CONTENT,), messages_failure)

    def retold(self, request: ClientRequest, reply: BufferedReply) -> ClientAnswer | None:
        return self._rewriting.retold(request, reply) if self._rewriting.reads(request) else None

    def stream_filter(self, request: ClientRequest, write: Write) -> StreamFilter:
        if request.joined is not None:
            joined = joined_filter(self._rewriting, request, write)
            if joined is not None:
                return joined
        if self._renamed(request):
            return self._rewriting.stream_filter(request, write)
        return MessagesUsageReader(write)


class MessageCountPassThrough(MessagesPassThrough):
    """The way to Anthropic's count of tokens, whose answers name no tool."""

    def answer(self, request: ClientRequest, replies: Sequence[BufferedReply]) -> ClientAnswer:  # noqa: ARG002
        (reply,) = replies
        return whole.answered(reply.body, None, (whole.COUNT,), messages_failure)


class ResponsesPassThrough(Translation):
    """The way to OpenAI's Responses. Reasoning of other providers is left out of a request.

    Names of tools that the provider refuses are others there, and the client's own in the answer.
    """

    same_dialect = True

    def __init__(
        self,
        model: str,
        edits: Edits,
        *,
        foreign: re.Pattern[bytes],
        id_rule: IdRule | None = None,
        unfit_name: re.Pattern[bytes] | None = None,
    ) -> None:
        """Take `foreign`, a pattern of items that the provider would not know.

        `id_rule` and `unfit_name` are as `UpstreamApi` has them.
        """
        self._id_rule = id_rule
        self._edits = edits
        self._foreign = foreign
        self._unfit_name = unfit_name
        self._envelope = {"model": msgspec.Raw(msgspec.json.encode(model))}

    def encode(self, request: ClientRequest) -> list[bytes]:
        envelope: Envelope = self._envelope
        if request.envelope:
            envelope = {**envelope, **request.envelope}
        fields = edited_fields(request, self._edits)
        fields, own_names = with_names_taken(fields, self._unfit_name)
        if own_names:
            request.tool_names = {**(request.tool_names or {}), **own_names}
        fit_items(fields, self._id_rule)
        body = encoded_around(fields, envelope)
        return [without_foreign(body, self._foreign) if body.find(b"__airouter") >= 0 else body]

    def answer(self, request: ClientRequest, replies: Sequence[BufferedReply]) -> ClientAnswer:
        (reply,) = replies
        told = whole_response(reply.body) if is_stream(reply) else reply.body
        body, rename = mended(with_responses_calls, told), renaming(request)
        body = rename(body) if rename else body
        return whole.answered(body, usage_in(RESPONSES_BODY, told), (whole.OUTPUT, whole.COUNT))

    def retold(self, request: ClientRequest, reply: BufferedReply) -> ClientAnswer | None:
        """Tell a stream that did not say it is one; a whole answer is for its client to read."""
        if not is_stream(reply):
            return None
        usage = self.answer(request, [reply]).usage  # raises for an error, in place of telling it
        told: list[bytes] = []
        self.stream_filter(request, told.append).take_all(reply.body)
        return ClientAnswer(b"".join(told), usage)

    def stream_filter(self, request: ClientRequest, write: Write) -> ResponsesUsageReader:
        return ResponsesUsageReader(write, renaming(request))


def renaming(request: ClientRequest) -> Rename | None:
    """Return what gives a response, or events of one, the ids and names that the client knows."""
    ids = partial(request.rename, request.credential) if request.rename else None
    names = partial(with_names_restored, names=request.tool_names) if request.tool_names else None
    if ids is None or names is None:
        return ids or names
    return lambda told: names(ids(told))


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
