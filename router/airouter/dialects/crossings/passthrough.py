"""The same dialect on both sides: bytes as they come, edited only where they must be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.counts import usage_of
from airouter.dialects.chat.usage import UsageHider, UsageReader
from airouter.dialects.crossings.base import Crossing, Given, Tap, Write
from airouter.dialects.messages.counts import usage_of as messages_usage
from airouter.dialects.messages.usage import UsageReader as MessagesUsageReader
from airouter.dialects.passthrough import Edits, Envelope, edited, enveloped, render
from airouter.dialects.provenance import MARK, without_packed
from airouter.dialects.responses.usage import UsageReader as ResponsesUsageReader
from airouter.dialects.responses.usage import usage_of as responses_usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.crossings.translation import Translation
    from airouter.dialects.passthrough import Request
    from airouter.wire import Whole


class Passthrough(Crossing):
    """For OpenAI's APIs. `model` is the provider's name of it, as JSON."""

    same_dialect = True

    def __init__(self, model: msgspec.Raw, edits: Edits) -> None:
        self._model = model
        self._edits = edits

    def encode(self, request: Request) -> list[bytes]:
        body = render(request, self._model, self._edits)
        return [without_packed(body) if MARK.encode() in body else body]

    def answer(self, request: Request, replies: Sequence[Whole]) -> Given:  # noqa: ARG002
        (reply,) = replies
        return Given(reply.body, usage_of(reply.body))

    def tap(self, request: Request, write: Write) -> Tap:
        hidden = request.stream and not request.include_usage
        return UsageHider(write) if hidden else UsageReader(write)


class MessagesPassthrough(Crossing):
    """For Anthropic's API, also behind another cloud, whose `envelope` goes around the body.

    A thinking block that another provider signed would be refused; a request with one in it is
    written anew by `rewriting`, which leaves it out.
    """

    same_dialect = True

    def __init__(self, edits: Edits, envelope: Envelope, rewriting: Translation) -> None:
        """`envelope` has the provider's name of the model in it, where the body has that."""
        self._edits = edits
        self._envelope = envelope
        self._rewriting = rewriting

    def encode(self, request: Request) -> list[bytes]:
        if MARK.encode() in request.body:
            return self._rewriting.encode(request)
        return [enveloped(edited(request, self._edits), self._envelope)]

    def answer(self, request: Request, replies: Sequence[Whole]) -> Given:  # noqa: ARG002
        (reply,) = replies
        return Given(reply.body, messages_usage(reply.body))

    def tap(self, request: Request, write: Write) -> Tap:  # noqa: ARG002
        return MessagesUsageReader(write)


class ResponsesPassthrough(Crossing):
    """For OpenAI's Responses. Reasoning that another provider signed is left out of a request."""

    same_dialect = True

    def __init__(self, model: str, edits: Edits) -> None:
        self._edits = edits
        self._envelope = {"model": msgspec.Raw(msgspec.json.encode(model))}

    def encode(self, request: Request) -> list[bytes]:
        body = edited(request, self._edits)
        if MARK.encode() in body:
            body = without_foreign(body)
        return [enveloped(body, self._envelope)]

    def answer(self, request: Request, replies: Sequence[Whole]) -> Given:  # noqa: ARG002
        (reply,) = replies
        return Given(reply.body, responses_usage(reply.body))

    def tap(self, request: Request, write: Write) -> Tap:  # noqa: ARG002
        return ResponsesUsageReader(write)


def without_foreign(body: bytes) -> bytes:
    """A body without the items that carry what another provider packed."""
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    items = msgspec.json.decode(fields["input"], type=list[msgspec.Raw])
    kept = [item for item in items if MARK.encode() not in bytes(item)]
    fields["input"] = msgspec.Raw(msgspec.json.encode(kept))
    return msgspec.json.encode(fields)
