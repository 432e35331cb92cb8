"""Embeddings and pictures: asked for in OpenAI's words, made by several calls of another API."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, NoReturn

from airouter.dialects.conversation import Unsupported, Usage
from airouter.dialects.crossings.base import Crossing, Given, Write
from airouter.dialects.crossings.refusal import refusal
from airouter.dialects.embeddings.request import parse_request as parse_embeddings
from airouter.dialects.embeddings.response import render_response as render_embeddings
from airouter.dialects.images.request import parse_request as parse_images
from airouter.dialects.images.response import render_response as render_images
from airouter.dialects.passthrough import Edits, edited
from airouter.wire import BrokenReply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airouter.dialects.embeddings.forms import Form as EmbeddingForm
    from airouter.dialects.images.forms import Form as ImageForm
    from airouter.dialects.passthrough import Request
    from airouter.wire import Whole


class Batch(Crossing):
    """What never streams, and may take several calls."""

    def __init__(self, edits: Edits, public_model: str) -> None:
        self._edits = edits
        self._public_model = public_model

    def encode(self, request: Request) -> list[bytes]:
        try:
            return self.render(edited(request, self._edits))
        except Unsupported as unsupported:
            raise refusal(unsupported, self._public_model, {}) from None

    @abstractmethod
    def render(self, body: bytes) -> list[bytes]:
        """The bodies for a client's. Raises `Failure`, `Unsupported`."""

    def tap(self, request: Request, write: Write) -> NoReturn:  # noqa: ARG002
        raise BrokenReply("the upstream streams what cannot be streamed")


class Embeddings(Batch):
    """Vectors."""

    def __init__(self, form: Callable[[], EmbeddingForm], edits: Edits, public_model: str) -> None:
        super().__init__(edits, public_model)
        self._form = form

    def render(self, body: bytes) -> list[bytes]:
        return self._form().render(parse_embeddings(body))

    def answer(self, request: Request, replies: Sequence[Whole]) -> Given:
        asked = parse_embeddings(edited(request, self._edits))
        result = self._form().parse(replies, asked)
        return Given(render_embeddings(result, asked), Usage(input_tokens=result.input_tokens))


class Images(Batch):
    """Pictures."""

    def __init__(self, form: Callable[[], ImageForm], edits: Edits, public_model: str) -> None:
        super().__init__(edits, public_model)
        self._form = form

    def render(self, body: bytes) -> list[bytes]:
        return self._form().render(parse_images(body))

    def answer(self, request: Request, replies: Sequence[Whole]) -> Given:  # noqa: ARG002
        result = self._form().parse([reply.body for reply in replies])
        return Given(render_images(result), result.usage)
