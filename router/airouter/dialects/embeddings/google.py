"""Embeddings at Google: AI Studio's method, and the two that Vertex AI has.

Source: google-genai's converters for `embed_content`. Beyond them: models since Gemini Embedding 2
want the kind of a text as words before it and take no `taskType`, and vectors of
gemini-embedding-001 have the length 1 only at their full size.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Json, Unsupported
from airouter.dialects.embeddings.codec import (
    NO_EMBEDDINGS,
    EmbeddedBatch,
    EmbeddingCodec,
    total_tokens,
)
from airouter.interfaces import BrokenReply
from airouter.untrusted import decoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.embeddings.request import EmbeddingRequest
    from airouter.dialects.embeddings.response import EmbeddingResult, Vector
    from airouter.interfaces import BufferedReply

TASKS = {
    "search_document": "RETRIEVAL_DOCUMENT",
    "search_query": "RETRIEVAL_QUERY",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
}
FIRST_GEMINI = ("gemini-embedding-001", "gemini-embedding-exp")


class UsageMetadata(msgspec.Struct, frozen=True, rename="camel"):
    """The tokens of a request."""

    prompt_token_count: int | None = None


class Statistics(msgspec.Struct, frozen=True):
    """The tokens of an instance of `predict`, whose numbers may have a fraction, as `4.0`."""

    token_count: float | None = None


class Embedding(msgspec.Struct):
    """A vector; only `predict` has its `statistics`."""

    values: tuple[float, ...]
    statistics: Statistics = Statistics()


class BatchAnswer(msgspec.Struct, rename="camel"):
    """An answer of `batchEmbedContents`."""

    embeddings: list[Embedding]
    usage_metadata: UsageMetadata = UsageMetadata()


class ContentAnswer(msgspec.Struct, rename="camel"):
    """An answer of `embedContent`."""

    embedding: Embedding
    usage_metadata: UsageMetadata = UsageMetadata()


class EmbeddingPrediction(msgspec.Struct):
    """The vector of one instance."""

    embeddings: Embedding


class PredictAnswer(msgspec.Struct):
    """An answer of `predict`."""

    predictions: list[EmbeddingPrediction]


_batch_decoder = msgspec.json.Decoder(BatchAnswer)
_content_decoder = msgspec.json.Decoder(ContentAnswer)
_predict_decoder = msgspec.json.Decoder(PredictAnswer)


class GoogleCodec(EmbeddingCodec):
    """The common part of Google's methods."""

    def parse(self, answers: Sequence[BufferedReply], request: EmbeddingRequest) -> EmbeddingResult:
        result = super().parse(answers, request)
        if request.dimensions is None:
            return result
        return msgspec.structs.replace(result, vectors=tuple(map(unit, result.vectors)))

    def task(self, request: EmbeddingRequest) -> str | None:
        """Return the kind of text in Google's words. Raises `Unsupported`."""
        if request.input_type is None:
            return None
        if is_newer(self.model):
            raise Unsupported("input_type", "wants the kind of a text as words before it")
        return TASKS[request.input_type]

    def config(self, request: EmbeddingRequest) -> Json:
        """Return the kind of text and the length of vectors. Raises `Unsupported`."""
        config: Json = {}
        task = self.task(request)
        if task is not None:
            config["taskType"] = task
        if request.dimensions is not None:
            config["outputDimensionality"] = request.dimensions
        return config


class GeminiEmbeddingCodec(GoogleCodec):
    """AI Studio: `batchEmbedContents`, which says the model again for every text."""

    batch = 100

    def body(self, texts: Sequence[str], request: EmbeddingRequest) -> Json:
        model = self.model if "/" in self.model else f"models/{self.model}"
        config = self.config(request)
        return {"requests": [{"model": model, **text_content(text), **config} for text in texts]}

    def read(self, answer: BufferedReply) -> EmbeddedBatch:
        found = decoded(_batch_decoder, answer.body, BrokenReply, NO_EMBEDDINGS)
        vectors = [each.values for each in found.embeddings]
        return EmbeddedBatch(vectors, found.usage_metadata.prompt_token_count)


class VertexCodec(GoogleCodec):
    """Vertex AI: `embedContent`, one text at a time."""

    def body(self, texts: Sequence[str], request: EmbeddingRequest) -> Json:
        (text,) = texts
        config = {**self.config(request), "autoTruncate": False}
        return {**text_content(text), "embedContentConfig": config}

    def read(self, answer: BufferedReply) -> EmbeddedBatch:
        found = decoded(_content_decoder, answer.body, BrokenReply, NO_EMBEDDINGS)
        return EmbeddedBatch([found.embedding.values], found.usage_metadata.prompt_token_count)


class PredictCodec(GoogleCodec):
    """Vertex AI: `predict`, for the older models; the Gemini among them takes one text."""

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self.batch = 1 if "gemini" in model else 250

    def body(self, texts: Sequence[str], request: EmbeddingRequest) -> Json:
        task = self.task(request)
        kind = {} if task is None else {"task_type": task}
        parameters: Json = {"autoTruncate": False}
        if request.dimensions is not None:
            parameters["outputDimensionality"] = request.dimensions
        return {
            "instances": [{"content": text, **kind} for text in texts],
            "parameters": parameters,
        }

    def read(self, answer: BufferedReply) -> EmbeddedBatch:
        predicted = decoded(_predict_decoder, answer.body, BrokenReply, NO_EMBEDDINGS)
        found = [each.embeddings for each in predicted.predictions]
        counts = (each.statistics.token_count for each in found)
        tokens = total_tokens(None if count is None else int(count) for count in counts)
        return EmbeddedBatch([each.values for each in found], tokens)


def text_content(text: str) -> Json:
    """Return a text as Gemini's methods take it."""
    return {"content": {"parts": [{"text": text}]}}


def unit(vector: Vector) -> Vector:
    """Return a vector at length 1."""
    length = math.hypot(*vector)
    return tuple(x / length for x in vector) if length else vector


def is_newer(model: str) -> bool:
    """Return True for Gemini Embedding 2 and later, and for others' models that Google runs."""
    name = model.rsplit("/", 1)[-1]
    return "maas" in name or ("gemini" in name and not name.startswith(FIRST_GEMINI))
