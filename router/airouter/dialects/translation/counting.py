"""Tokens of a prompt, counted by the provider that will read it, else estimated.

Two APIs ask for them: Anthropic's `count_tokens` and the `input_tokens` of OpenAI's Responses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import msgspec

from airouter.dialects.client_request import Edits, edited, enveloped
from airouter.dialects.conversation import Unsupported
from airouter.dialects.estimation import BYTES_PER_TOKEN
from airouter.dialects.media import inlined
from airouter.dialects.messages.parse_request import parse_count_request
from airouter.dialects.responses.parse_request import parse_request
from airouter.dialects.translation.base import ClientAnswer, Translation
from airouter.dialects.translation.refusal import unsupported_failure
from airouter.dialects.translation.tool_names import with_fitting_names
from airouter.failures import unreadable_json
from airouter.interfaces import BrokenReply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.client_request import ClientRequest, Envelope
    from airouter.dialects.conversation import Conversation, Destination
    from airouter.dialects.dialect import Write
    from airouter.interfaces import BufferedReply

Render = Callable[["Conversation", "Destination"], bytes]
Read = Callable[[bytes], int]
Fetches = Callable[["Conversation"], list[str]]


class CountApi(NamedTuple):
    """An API for counts: its parser and its renderer."""

    parse: Callable[[bytes], Conversation]
    answer: Callable[[int], bytes]


class Counting(Translation):
    """Counts by a provider."""

    def __init__(
        self,
        asking: CountApi,
        render: Render,
        read: Read,
        fetches: Fetches,
        destination: Destination,
        edits: Edits,
        public_model: str,
        envelope: Envelope,
    ) -> None:
        self._asking = asking
        self._envelope = envelope
        self._render = render
        self._read = read
        self._fetches = fetches
        self._destination = destination
        self._edits = edits
        self._public_model = public_model

    def fetches(self, request: ClientRequest) -> list[str]:
        return self._fetches(self._conversation(request))

    def encode(self, request: ClientRequest) -> list[bytes]:
        conversation = inlined(self._conversation(request), request.fetched)
        try:
            body = self._render(with_fitting_names(conversation), self._destination)
        except Unsupported as unsupported:
            raise unsupported_failure(unsupported, self._public_model, {}) from None
        except RecursionError:  # a provider's body may have a few levels more than the client's
            raise unreadable_json("it is nested too deeply") from None
        return [enveloped(body, self._envelope) if self._envelope else body]

    def answer(self, request: ClientRequest, replies: Sequence[BufferedReply]) -> ClientAnswer:  # noqa: ARG002
        (reply,) = replies
        return ClientAnswer(self._asking.answer(self._read(reply.body)), None)

    def stream_filter(self, request: ClientRequest, write: Write) -> NoReturn:  # noqa: ARG002
        raise BrokenReply("the upstream streams what cannot be streamed")

    def _conversation(self, request: ClientRequest) -> Conversation:
        known = request.conversations.get(self._edits)
        if known is None:
            known = self._asking.parse(edited(request, self._edits))
            request.conversations[self._edits] = known
        return known


class Estimate(Translation):
    """Estimates, for providers that do not count: nothing is sent."""

    headers = ((b"x-airouter-estimated", b"true"),)

    def __init__(self, asking: CountApi) -> None:
        self._asking = asking

    def encode(self, request: ClientRequest) -> list[bytes]:
        self._asking.parse(request.body)  # refuses what a provider would refuse
        return []

    def answer(self, request: ClientRequest, replies: Sequence[BufferedReply]) -> ClientAnswer:  # noqa: ARG002
        return ClientAnswer(self._asking.answer(max(1, len(request.body) // BYTES_PER_TOKEN)), None)

    def stream_filter(self, request: ClientRequest, write: Write) -> NoReturn:  # noqa: ARG002
        raise BrokenReply("the upstream streams what cannot be streamed")


def anthropic_count(tokens: int) -> bytes:
    """Return the answer to `count_tokens`."""
    return msgspec.json.encode({"input_tokens": tokens})


def openai_count(tokens: int) -> bytes:
    """Return the answer to `input_tokens`."""
    return msgspec.json.encode({"object": "response.input_tokens", "input_tokens": tokens})


MESSAGES = CountApi(parse_count_request, anthropic_count)
RESPONSES = CountApi(parse_request, openai_count)
