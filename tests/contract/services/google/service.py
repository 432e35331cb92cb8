"""A strict Gemini on loopback, at AI Studio and on Vertex AI: it refuses what the real one does."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Container
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from contract.services.google import answers
from contract.services.google.refusals import invalid, refusal
from contract.services.google.rules import check_rules
from contract.services.stand_in import Body, StandIn, sse
from support.provider_shapes import problems

KEY = "AIzaService0123456789"
TOKEN = "ya29.vertex-token-0123456789"
STUDIO = re.compile(r"/v1beta/models/(?P<model>[^:/]+):(?P<method>\w+)")
VERTEX = re.compile(
    r"/v1/projects/p1/locations/(?:global|europe-west1)/publishers/google/models/"
    r"(?P<model>[^:/]+):(?P<method>\w+)"
)
CHAT = ("gemini-2.0-flash", "gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-pro-preview")
DRAWING = ("gemini-2.5-flash-image",)
EMBEDDING = ("gemini-embedding-001", "text-embedding-005", "gemini-embedding-2")
IMAGEN = ("imagen-4.0-generate-001",)
PNG = "iVBORw0KGgo="


@dataclass
class GoogleService(StandIn):
    """What a test says to it, and what it sees of it."""

    key: str = KEY
    tokens: Container[str] = field(default_factory=lambda: {TOKEN})
    """Bearer tokens that Vertex AI takes."""
    signatures: set[tuple[str, str]] = field(default_factory=set)
    """What it signed: model and signature."""

    async def answer(self, request: web.Request, body: Body, data: bytes) -> web.StreamResponse:
        vertex = VERTEX.fullmatch(request.path)
        found = vertex or STUDIO.fullmatch(request.path)
        if found is None:
            raise refusal(404, "NOT_FOUND", "Requested entity was not found.")
        self._check_key(request, vertex=vertex is not None)
        model, method = found["model"], found["method"]
        if model not in (*CHAT, *DRAWING, *EMBEDDING, *IMAGEN):
            raise refusal(
                404,
                "NOT_FOUND",
                f"models/{model} is not found for API version v1beta, or is not supported for "
                f"{method}.",
            )
        if method == "generateContent" and model in DRAWING:
            return self._draw(body)
        if method in {"generateContent", "streamGenerateContent"} and model in CHAT:
            return await self._generate(request, model, body, streamed=method[0] == "s")
        if method == "countTokens" and model in CHAT:
            return self._count(body, model, vertex=vertex is not None)
        handler = getattr(self, f"_{method}", None)
        if handler is None:
            raise refusal(404, "NOT_FOUND", f"models/{model} is not supported for {method}.")
        answered: web.Response = handler(body, model)
        return answered

    def error_event(self) -> bytes:
        return sse({"error": {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}})

    async def _generate(
        self, request: web.Request, model: str, body: Body, *, streamed: bool
    ) -> web.StreamResponse:
        self._check(body, model)
        turn = self.next_turn()
        if not streamed:
            return web.json_response(answers.whole(turn, body, model, self.signatures))
        if request.query.get("alt") != "sse":
            raise invalid("only alt=sse is spoken here")
        events = answers.events(turn, body, model, self.signatures)
        return await self.stream(request, map(sse, events))

    def _check(self, body: Body, model: str) -> None:
        try:
            problems("gemini", body)
        except ValidationError as error:
            first = error.errors()[0]
            at = ".".join(map(str, first["loc"]))
            raise invalid(
                f'Invalid JSON payload received. Unknown name "{at}": {first["msg"]}'
            ) from None
        check_rules(body, model, self.signatures)

    def _count(self, body: Body, model: str, *, vertex: bool) -> web.Response:
        if vertex:
            unknown = set(body) - {"contents", "systemInstruction", "tools", "generationConfig"}
            inner = body
        else:
            unknown = set(body) - {"contents", "generateContentRequest"}
            inner = dict(body.get("generateContentRequest", body))
            if inner.pop("model", None) != f"models/{model}":
                raise invalid("generateContentRequest.model: unexpected model name format")
        if unknown:
            raise invalid(f'Invalid JSON payload received. Unknown name "{unknown.pop()}"')
        self._check(inner, model)
        return web.json_response({"totalTokens": 42})

    def _draw(self, body: Body) -> web.Response:
        if "IMAGE" not in body["generationConfig"].get("responseModalities", ()):
            raise invalid("responseModalities must have IMAGE")
        problems("gemini", {"contents": body["contents"]})
        blob = {"inlineData": {"mimeType": "image/png", "data": PNG}}
        content = {"role": "model", "parts": [{"text": "Here."}, blob]}
        usage = {"promptTokenCount": 5, "candidatesTokenCount": 1290, "totalTokenCount": 1295}
        candidate = {"content": content, "finishReason": "STOP", "index": 0}
        return web.json_response({"candidates": [candidate], "usageMetadata": usage})

    def _batchEmbedContents(self, body: Body, model: str) -> web.Response:  # noqa: N802
        for each in body["requests"]:
            if each.get("model") != f"models/{model}" or not each["content"]["parts"][0]["text"]:
                raise invalid("requests: wrong model or empty text")
        if len(body["requests"]) > 100:
            raise invalid("at most 100 requests can be in one batch")
        found = [{"values": [3.0, 4.0]} for _ in body["requests"]]
        return web.json_response({"embeddings": found})

    def _embedContent(self, body: Body, model: str) -> web.Response:  # noqa: N802
        if not body["content"]["parts"][0]["text"] or "001" in model:
            raise invalid("content is required")
        return web.json_response({"embedding": {"values": [0.6, 0.8]}})

    def _predict(self, body: Body, model: str) -> web.Response:
        if model in IMAGEN:
            count = body["parameters"].get("sampleCount", 1)
            drawn = {"bytesBase64Encoded": PNG, "mimeType": "image/png"}
            return web.json_response({"predictions": [drawn] * count})
        instances = body["instances"]
        if model == "gemini-embedding-001" and len(instances) > 1:
            raise invalid("only one instance per call")
        embedding = {"values": [0.6, 0.8], "statistics": {"token_count": 3, "truncated": False}}
        return web.json_response({"predictions": [{"embeddings": embedding}] * len(instances)})

    def _check_key(self, request: web.Request, *, vertex: bool) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if vertex and (scheme != "Bearer" or token not in self.tokens):
            raise refusal(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if not vertex and request.headers.get("x-goog-api-key") != self.key:
            details: list[Any] = [
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
            ]
            raise refusal(400, "INVALID_ARGUMENT", "API key not valid.", details)


@contextlib.asynccontextmanager
async def google_service() -> AsyncIterator[GoogleService]:
    """A listening service."""
    async with GoogleService().listening() as service:
        yield service
