"""What every provider's way to ask for embeddings has in common: texts into bodies, and back.

A provider takes only so many texts at once, so that a request may become several bodies. The
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


class Found(NamedTuple):
    """What one answer has: vectors, and the tokens of their texts where it says so."""

    vectors: Sequence[Vector]
    tokens: int | None


class Form(ABC):
    """One provider's way, for one model."""

    batch = 1
    """Texts in one body."""

    def __init__(self, model: str) -> None:
        self.model = model

    def render(self, request: EmbeddingRequest) -> list[bytes]:
        """The bodies. Raises `Unsupported`."""
        return [msgspec.json.encode(self.body(texts, request)) for texts in self._batches(request)]

    def parse(self, answers: Sequence[BufferedReply], request: EmbeddingRequest) -> EmbeddingResult:
        """The vectors of all texts, from one answer for each body. Raises `BrokenReply`."""
        try:
            found = [self.read(answer) for answer in answers]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise BrokenReply("the upstream's answer has no embeddings") from None
        if [len(each.vectors) for each in found] != [len(each) for each in self._batches(request)]:
            raise BrokenReply("the upstream's answer has another number of embeddings")
        return EmbeddingResult(
            vectors=tuple(vector for each in found for vector in each.vectors),
            model=self.model,
            input_tokens=total(each.tokens for each in found),
        )

    @abstractmethod
    def body(self, texts: Sequence[str], request: EmbeddingRequest) -> Json:
        """One body, for at most `batch` texts. Raises `Unsupported`."""

    @abstractmethod
    def read(self, answer: BufferedReply) -> Found:
        """One answer. Raises `msgspec.DecodeError`."""

    def _batches(self, request: EmbeddingRequest) -> list[tuple[str, ...]]:
        inputs, size = request.inputs, self.batch
        return [inputs[start : start + size] for start in range(0, len(inputs), size)]


def total(counts: Iterable[int | None]) -> int | None:
    """All tokens; None as soon as some are not known, since a part of them would mislead."""
    known = 0
    for count in counts:
        if count is None:
            return None
        known += count
    return known
