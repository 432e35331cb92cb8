"""A strict Anthropic on loopback, at home and on Vertex AI: it refuses what the real one refuses."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Container
from dataclasses import dataclass, field

from aiohttp import web

from contract.services.messages import answers
from contract.services.messages.refusals import invalid, refusal, unknown_model, wrong_key
from contract.services.messages.rules import blocks_of, check_rules
from contract.services.stand_in import Body, StandIn, sse
from support.provider_shapes import problems

KEY = "sk-ant-service-0123456789"
TOKEN = "ya29.vertex-token-0123456789"
MODELS = (
    "claude-3-5-haiku-20241022",
    "claude-sonnet-4-5-20250929",
    "claude-opus-4-6",
    "claude-opus-4-7",
    "claude-sonnet-5",
)
VERSIONS = ("2023-06-01", "2026-10-21")
VERTEX = re.compile(
    r"/v1/projects/p1/locations/(?:global|europe-west1)/publishers/anthropic/models/"
    r"(?P<model>[^:]+):(?P<method>rawPredict|streamRawPredict)"
)
VERTEX_VERSION = "vertex-2023-10-16"
NOT_COUNTED = ("max_tokens", "stream")


@dataclass
class AnthropicService(StandIn):
    """What a test says to it, and what it sees of it."""

    key: str = KEY
    tokens: Container[str] = field(default_factory=lambda: {TOKEN})
    """Bearer tokens that Vertex AI takes."""
    signatures: answers.Signatures = field(default_factory=answers.Signatures)

    async def answer(self, request: web.Request, body: Body, data: bytes) -> web.StreamResponse:
        found = VERTEX.fullmatch(request.path)
        if found:
            return await self._vertex(request, body, found["model"], found["method"])
        self._check_key(request)
        if request.path not in {"/v1/messages", "/v1/messages/count_tokens"}:
            raise refusal(404, "not_found_error", "Not Found")
        version = request.headers.get("anthropic-version", "")
        if version not in VERSIONS:
            raise invalid("anthropic-version: header is required")
        counting = request.path.endswith("count_tokens")
        return await self._checked(request, body, version, counting=counting)

    async def _vertex(
        self, request: web.Request, body: Body, model: str, method: str
    ) -> web.StreamResponse:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.tokens:
            raise refusal(401, "authentication_error", "Request had invalid credentials.")
        version = body.pop("anthropic_version", None)
        if version != VERTEX_VERSION:
            raise invalid("anthropic_version: Field required")
        if model == "count-tokens":
            return await self._checked(request, body, VERSIONS[0], counting=True)
        if "model" in body:
            raise invalid("model: Extra inputs are not permitted")
        if bool(body.get("stream")) != (method == "streamRawPredict"):
            raise invalid("stream: does not fit the method")
        return await self._checked(request, {**body, "model": model}, VERSIONS[0], counting=False)

    async def _checked(
        self, request: web.Request, body: Body, version: str, *, counting: bool
    ) -> web.StreamResponse:
        if not counting and "max_tokens" not in body:
            raise invalid("max_tokens: Field required")
        if body.get("model") not in MODELS:
            raise unknown_model(str(body.get("model")))
        wrong = problems("messages", {"max_tokens": 1, **body})
        if wrong or (counting and any(name in body for name in NOT_COUNTED)):
            raise invalid(f"shape: {wrong[:2]}")
        check_rules(body, version=version, counting=counting)
        self._check_thinking(body)
        if counting:
            return web.json_response({"input_tokens": 42})
        turn, model = self.next_turn(), body["model"]
        if body.get("stream"):
            return await self.stream(request, answers.events(turn, body, model, self.signatures))
        return web.json_response(answers.whole(turn, body, model, self.signatures))

    def error_event(self) -> bytes:
        error = {"type": "overloaded_error", "message": "Overloaded"}
        return sse({"type": "error", "error": error}, "error")

    def _check_key(self, request: web.Request) -> None:
        _, _, bearer = request.headers.get("authorization", "").partition(" ")
        if request.headers.get("x-api-key", bearer) != self.key:
            raise wrong_key()

    def _check_thinking(self, body: Body) -> None:
        for at, block in blocks_of(body, "assistant"):
            known = True
            if block["type"] == "thinking":
                known = self.signatures.holds(block["signature"], block["thinking"])
            elif block["type"] == "redacted_thinking":
                known = self.signatures.holds(block["data"], "(redacted)")
            if not known:
                raise invalid(f"{at}: Invalid `signature` in `thinking` block")
        if (body.get("thinking") or {}).get("type") == "enabled":
            self._check_last_call(body)

    def _check_last_call(self, body: Body) -> None:
        said = [m["content"] for m in body["messages"] if m["role"] == "assistant"]
        if said and isinstance(said[-1], list):
            called = any(block["type"] == "tool_use" for block in said[-1])
            if called and said[-1][0]["type"] not in {"thinking", "redacted_thinking"}:
                raise invalid(
                    "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but "
                    "found `tool_use`. When `thinking` is enabled, a final `assistant` message "
                    "must start with a thinking block."
                )


@contextlib.asynccontextmanager
async def anthropic_service() -> AsyncIterator[AnthropicService]:
    """A listening service."""
    async with AnthropicService().listening() as service:
        yield service
