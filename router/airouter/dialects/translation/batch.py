"""Embeddings and images: asked for in OpenAI's words, made by several calls of another API."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, NoReturn

import msgspec

from airouter.dialects.client_request import Edits, edited
from airouter.dialects.conversation import Unsupported, Usage
from airouter.dialects.embeddings.request import parse_request as parse_embeddings
from airouter.dialects.embeddings.response import render_response as render_embeddings
from airouter.dialects.images.request import parse_request as parse_images
from airouter.dialects.images.response import render_response as render_images
from airouter.dialects.translation.base import ClientAnswer, Translation
from airouter.dialects.translation.refusal import unsupported_failure
from airouter.interfaces import BrokenReply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airouter.dialects.client_request import ClientRequest
    from airouter.dialects.dialect import Write
    from airouter.dialects.embeddings.codec import EmbeddingCodec
    from airouter.dialects.images.codec import ImageCodec
    from airouter.interfaces import BufferedReply


class Batch(Translation):
    """A translation that never streams, and may take several calls."""

    def __init__(self, edits: Edits, public_model: str) -> None:
        self._edits = edits
        self._public_model = public_model

    def encode(self, request: ClientRequest) -> list[bytes]:
        try:
            return self.render(edited(request, self._edits))
        except Unsupported as unsupported:
            raise unsupported_failure(unsupported, self._public_model, {}) from None

    @abstractmethod
    def render(self, body: bytes) -> list[bytes]:
        """Return a provider's bodies for a client's. Raises `Failure`, `Unsupported`."""

    def stream_filter(self, request: ClientRequest, write: Write) -> NoReturn:  # noqa: ARG002
        raise BrokenReply("the upstream streams what cannot be streamed")


class EmbeddingsTranslation(Batch):
    """Requests for vectors."""

    def __init__(
        self, codec: Callable[[], EmbeddingCodec], edits: Edits, public_model: str
    ) -> None:
        super().__init__(edits, public_model)
        self._codec = codec

    def render(self, body: bytes) -> list[bytes]:
        return self._codec().render(parse_embeddings(body))

    def answer(self, request: ClientRequest, replies: Sequence[BufferedReply]) -> ClientAnswer:
        asked = parse_embeddings(edited(request, self._edits))
        result = self._codec().parse(replies, asked)
        result = msgspec.structs.replace(result, model=self._public_model)
        return ClientAnswer(
            render_embeddings(result, asked), Usage(input_tokens=result.input_tokens)
        )


class ImagesTranslation(Batch):
    """Requests for images."""

    def __init__(self, codec: Callable[[], ImageCodec], edits: Edits, public_model: str) -> None:
        super().__init__(edits, public_model)
        self._codec = codec

    def render(self, body: bytes) -> list[bytes]:
        return self._codec().render(parse_images(body))

    def answer(self, request: ClientRequest, replies: Sequence[BufferedReply]) -> ClientAnswer:  # noqa: ARG002
        result = self._codec().parse([reply.body for reply in replies])
        usage = msgspec.structs.replace(result.usage or Usage(), images=len(result.pictures))
        return ClientAnswer(render_images(result), usage)
