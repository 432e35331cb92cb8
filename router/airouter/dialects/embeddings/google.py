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
from airouter.dialects.embeddings.form import Form, Found, total

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


class Usage(msgspec.Struct, frozen=True, rename="camel"):
    """What was counted."""

    prompt_token_count: int | None = None


class Statistics(msgspec.Struct, frozen=True):
    """What `predict` counted; its numbers may be written with a fraction, as `4.0`."""

    token_count: float | None = None


class Embedding(msgspec.Struct):
    """A vector; only `predict` has its `statistics`."""

    values: tuple[float, ...]
    statistics: Statistics = Statistics()


class BatchAnswer(msgspec.Struct, rename="camel"):
    """What `batchEmbedContents` answers."""

    embeddings: list[Embedding]
    usage_metadata: Usage = Usage()


class ContentAnswer(msgspec.Struct, rename="camel"):
    """What `embedContent` answers."""

    embedding: Embedding
    usage_metadata: Usage = Usage()


class Prediction(msgspec.Struct):
    """The vector of one instance."""

    embeddings: Embedding


class PredictAnswer(msgspec.Struct):
    """What `predict` answers."""

    predictions: list[Prediction]


_batch_decoder = msgspec.json.Decoder(BatchAnswer)
_content_decoder = msgspec.json.Decoder(ContentAnswer)
_predict_decoder = msgspec.json.Decoder(PredictAnswer)


class GoogleForm(Form):
    """What Google's methods share."""

    def parse(self, answers: Sequence[BufferedReply], request: EmbeddingRequest) -> EmbeddingResult:
        result = super().parse(answers, request)
        if request.dimensions is None:
            return result
        return msgspec.structs.replace(result, vectors=tuple(map(unit, result.vectors)))

    def task(self, request: EmbeddingRequest) -> str | None:
        """The kind of text in Google's words. Raises `Unsupported`."""
        if request.input_type is None:
            return None
        if is_newer(self.model):
            raise Unsupported("input_type", "wants the kind of a text as words before it")
        return TASKS[request.input_type]

    def config(self, request: EmbeddingRequest) -> Json:
        """What to embed for, and how long the vectors shall be. Raises `Unsupported`."""
        config: Json = {}
        task = self.task(request)
        if task is not None:
            config["taskType"] = task
        if request.dimensions is not None:
            config["outputDimensionality"] = request.dimensions
        return config


class GeminiForm(GoogleForm):
    """AI Studio: `batchEmbedContents`, which says the model again for every text."""

    batch = 100

    def body(self, texts: Sequence[str], request: EmbeddingRequest) -> Json:
        model = self.model if "/" in self.model else f"models/{self.model}"
        config = self.config(request)
        return {"requests": [{"model": model, **content(text), **config} for text in texts]}

    def read(self, answer: BufferedReply) -> Found:
        found = _batch_decoder.decode(answer.body)
        vectors = [each.values for each in found.embeddings]
        return Found(vectors, found.usage_metadata.prompt_token_count)


class VertexForm(GoogleForm):
    """Vertex AI: `embedContent`, one text at a time."""

    def body(self, texts: Sequence[str], request: EmbeddingRequest) -> Json:
        (text,) = texts
        config = {**self.config(request), "autoTruncate": False}
        return {**content(text), "embedContentConfig": config}

    def read(self, answer: BufferedReply) -> Found:
        found = _content_decoder.decode(answer.body)
        return Found([found.embedding.values], found.usage_metadata.prompt_token_count)


class PredictForm(GoogleForm):
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

    def read(self, answer: BufferedReply) -> Found:
        found = [each.embeddings for each in _predict_decoder.decode(answer.body).predictions]
        counts = (each.statistics.token_count for each in found)
        tokens = total(None if count is None else int(count) for count in counts)
        return Found([each.values for each in found], tokens)


def content(text: str) -> Json:
    """A text as Gemini's methods take it."""
    return {"content": {"parts": [{"text": text}]}}


def unit(vector: Vector) -> Vector:
    """A vector at length 1."""
    length = math.hypot(*vector)
    return tuple(x / length for x in vector) if length else vector


def is_newer(model: str) -> bool:
    """Whether a model is of Gemini Embedding 2 or later, or somebody else's that Google runs."""
    name = model.rsplit("/", 1)[-1]
    return "maas" in name or ("gemini" in name and not name.startswith(FIRST_GEMINI))
