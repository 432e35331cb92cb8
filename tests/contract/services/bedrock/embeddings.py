"""What InvokeModel answers for embedding models, each in the shape of its maker."""

from __future__ import annotations

import json

from aiohttp import web

from contract.services.bedrock.models import check_model
from contract.services.bedrock.shapes import EMBEDDERS, check_embedding
from contract.services.stand_in import Body

TOKENS = 3
"""What every text costs."""


def embedded(model: str, body: Body) -> web.Response:
    """The vectors. Raises `Refusal`."""
    if model not in EMBEDDERS:
        check_model(model)
    check_embedding(model, body)
    answer = titan(body) if "inputText" in body else cohere(body)
    headers = {
        "x-amzn-bedrock-input-token-count": str(TOKENS * len(body.get("texts", " "))),
        "x-amzn-bedrock-invocation-latency": "7",
        "x-amzn-requestid": "request-1",
    }
    return web.Response(body=json.dumps(answer), content_type="application/json", headers=headers)


def titan(body: Body) -> Body:
    vector = [0.5] * body.get("dimensions", 1024)
    bits = [1] * len(vector)
    by_type = {"float": vector, "binary": bits}
    asked = {kind: by_type[kind] for kind in body.get("embeddingTypes", ["float"])}
    found: Body = {"inputTextTokenCount": TOKENS, "embeddingsByType": asked}
    return {"embedding": vector, **found} if "float" in asked else found


def cohere(body: Body) -> Body:
    """A list of vectors, or lists by their types if types were asked for."""
    size = body.get("output_dimension", 2)
    vectors = [[0.5] * size for _ in body["texts"]]
    types = body.get("embedding_types")
    found: Body = {"id": "embedding-1", "texts": body["texts"]}
    if types is None:
        return {**found, "response_type": "embeddings_floats", "embeddings": vectors}
    whole = [[1] * size for _ in body["texts"]]
    by_type = {kind: vectors if kind == "float" else whole for kind in types}
    return {**found, "response_type": "embeddings_by_type", "embeddings": by_type}
