"""The frame of every codec for embeddings: texts into bodies, and answers into vectors.

A provider takes only so many texts at once, so a request may become several bodies. The
pipeline sends them side by side and gives all the answers back in their order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from airouter.dialects.embeddings.response import EmbeddingResult, Vector
from airouter.interfaces import BrokenReply

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airouter.dialects.conversation import Json
    from airouter.dialects.embeddings.request import EmbeddingRequest
    from airouter.interfaces import BufferedReply

NO_EMBEDDINGS = "the upstream's answer has no embeddings"


class EmbeddedBatch(NamedTuple):
    """The vectors of one answer, and the tokens of their texts where the provider tells them."""

    vectors: Sequence[Vector]
    tokens: int | None


class EmbeddingCodec(ABC):
    """Requests and answers of one API, for one model."""

    batch = 1
    """Texts in one body."""

    def __init__(self, model: str) -> None:
        self.model = model

    def render(self, request: EmbeddingRequest) -> list[bytes]:
        """Return the bodies to send. Raises `Unsupported`."""
        return [msgspec.json.encode(self.body(texts, request)) for texts in self._batches(request)]

    def parse(self, answers: Sequence[BufferedReply], request: EmbeddingRequest) -> EmbeddingResult:
        """Return the vectors of all texts, one answer for each body. Raises `BrokenReply`."""
        batches = [self.read(answer) for answer in answers]
        texts = self._batches(request)
        if [len(batch.vectors) for batch in batches] != [len(each) for each in texts]:
            raise BrokenReply("the upstream's answer has another number of embeddings")
        return EmbeddingResult(
            vectors=tuple(vector for batch in batches for vector in batch.vectors),
            model=self.model,
            input_tokens=total_tokens(batch.tokens for batch in batches),
        )

    @abstractmethod
    def body(self, texts: Sequence[str], request: EmbeddingRequest) -> Json:
        """Return one body, for at most `batch` texts. Raises `Unsupported`."""

    @abstractmethod
    def read(self, answer: BufferedReply) -> EmbeddedBatch:
        """Return the vectors of one answer. Raises `BrokenReply`."""

    def _batches(self, request: EmbeddingRequest) -> list[tuple[str, ...]]:
        inputs, size = request.inputs, self.batch
        return [inputs[start : start + size] for start in range(0, len(inputs), size)]


def total_tokens(counts: Iterable[int | None]) -> int | None:
    """Return the sum; None as soon as one count is not known, since a part would mislead."""
    known = 0
    for count in counts:
        if count is None:
            return None
        known += count
    return known
