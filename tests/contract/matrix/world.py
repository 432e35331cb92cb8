"""Every provider's stand-in, and one router in front of them all."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Container
from dataclasses import dataclass
from typing import Any

from contract.matrix.clients import ChatClient, Client, MessagesClient, ResponsesClient
from contract.matrix.features import CLAUDES
from contract.services.anthropic import answers as claude_answers
from contract.services.anthropic.service import anthropic_service
from contract.services.bedrock import service as bedrock
from contract.services.google import service as google
from contract.services.openai import service as openai_service
from contract.services.openai.answers import Turn as OpenAITurn
from contract.services.stand_in import Body, Turn
from support.clouds import Google, listening
from support.config import manifest
from support.in_loop import Served, served

SONNET = "claude-sonnet-4-5-20250929"
GEMINI = "gemini-3-pro-preview"


@dataclass
class World:
    """What a test of the matrix needs."""

    services: dict[str, Any]
    """Upstream to its stand-in."""
    clients: dict[str, Client]
    router: Served

    def script(self, upstream: str, turn: Turn) -> None:
        """What the upstream says next, whatever a test before has left."""
        self.services[upstream].turns.clear()
        self.services[upstream].refused.clear()
        self.services[upstream].turns.append(in_words_of(upstream, turn))

    def asked(self, upstream: str) -> Body:
        """What the upstream was asked last."""
        body: Body = self.journal(upstream)[-1].body
        return body

    def rested(self) -> None:
        """Forget that a provider asked to be left alone."""
        serving = self.router.router.pipeline.serving
        assert serving is not None
        for account in serving.accounts.values():
            account.load.resting.clear()

    def journal(self, upstream: str) -> list[Any]:
        """All that the upstream was asked."""
        service = self.services[upstream]
        found: list[Any] = service.asked if upstream in CLAUDES else service.journal
        return found


def in_words_of(upstream: str, turn: Turn) -> object:
    """A turn as an upstream's stand-in takes it."""
    if upstream == "OpenAI":
        return in_openai(turn)
    return in_anthropic(turn) if upstream in CLAUDES else turn


def in_openai(turn: Turn) -> OpenAITurn:
    """The same for the stand-in of OpenAI, which does not think."""
    calls = tuple((call.name, json.dumps(call.arguments)) for call in turn.calls)
    stop = {"end": None, "stop_sequence": "stop", "length": "length"}
    text = turn.text if turn.text is not None else "Well."
    return OpenAITurn(
        text=text,
        calls=calls,
        stop=stop.get(turn.stop, "content_filter"),
        cited=turn.cited,
        counts=(turn.input_tokens, turn.cached_tokens, turn.output_tokens),
    )


def model_of(upstream: str) -> str:
    """The name by which the router serves it."""
    return upstream.lower().replace(" ", "-")


def in_anthropic(turn: Turn) -> claude_answers.Turn:
    """The same for the stand-in of Anthropic."""
    blocks: list[Body] = []
    if turn.redacted:
        blocks.append(claude_answers.redacted_thinking())
    if turn.thinking is not None:
        blocks.append(claude_answers.thinking(turn.thinking))
    if turn.text is not None or not turn.calls:
        blocks.append(claude_answers.text(turn.text or "Well.", *([CITATION] * turn.cited)))
    blocks += [claude_answers.tool_use(call.name, **call.arguments) for call in turn.calls]
    stops = {"length": "max_tokens", "stop_sequence": "stop_sequence", "refusal": "refusal"}
    return claude_answers.Turn(
        tuple(blocks),
        stop_reason=stops.get(turn.stop),
        stop_sequence="HALT" if turn.stop == "stop_sequence" else None,
        usage=claude_answers.Usage(
            input=turn.input_tokens - turn.cached_tokens - turn.written_tokens,
            output=turn.output_tokens,
            cache_read=turn.cached_tokens,
            cache_write=turn.written_tokens,
            thinking=turn.thinking_tokens,
        ),
    )


CITATION: Body = {
    "type": "char_location",
    "cited_text": "The grass is green.",
    "document_index": 0,
    "document_title": "Colours",
    "start_char_index": 0,
    "end_char_index": 19,
    "file_id": None,
}


class Tokens(Container[str]):
    """What a token endpoint gave and what is still valid."""

    def __init__(self, issuer: Google) -> None:
        self._issuer = issuer

    def __contains__(self, token: object) -> bool:
        return self._issuer.is_valid(f"{token}\r\n".encode())


def credential(name: str, type_: str, url: str, **fields: Any) -> Body:
    return {
        "name": name,
        "type": type_,
        "baseURL": url,
        "secretRef": {"name": "keys", "key": name},
        **fields,
    }


@contextlib.asynccontextmanager
async def world(**settings: object) -> AsyncIterator[World]:
    """All of it, listening; `settings` are the router's."""
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        openai = await enter(openai_service.openai_service())
        anthropic = await enter(anthropic_service())
        gemini = await enter(google.google_service())
        converse = await enter(bedrock.bedrock_service())
        tokens = Google()
        tokens.url = await enter(listening(tokens.answer))
        gemini.tokens = anthropic.vertex_tokens = Tokens(tokens)
        gcp = {"project": "p1", "location": "global"}
        credentials = [
            credential(
                "openai",
                "OpenAI",
                openai.base_url,
                api=["chat", "completions", "embeddings", "images"],
            ),
            credential("anthropic", "Anthropic", anthropic.url),
            credential("gemini", "Gemini", gemini.url),
            credential("vertex-gemini", "VertexAI", gemini.url, gcp=gcp),
            credential("vertex-claude", "VertexAI", anthropic.url, gcp=gcp),
            credential("bedrock", "Bedrock", converse.url, aws={"region": "us-east-1"}),
        ]
        names = {
            "OpenAI": ("openai", "gpt-4o-2024-11-20"),
            "Anthropic": ("anthropic", SONNET),
            "Gemini": ("gemini", GEMINI),
            "Vertex Gemini": ("vertex-gemini", GEMINI),
            "Vertex Claude": ("vertex-claude", "claude-sonnet-4-5@20250929"),
            "Bedrock": ("bedrock", bedrock.CLAUDE),
        }
        names |= {
            "embed openai": ("openai", "text-embedding-3-small"),
            "embed gemini": ("gemini", "gemini-embedding-001"),
            "embed vertex": ("vertex-gemini", "text-embedding-005"),
            "embed vertex gemini": ("vertex-gemini", "gemini-embedding-001"),
            "embed titan": ("bedrock", "amazon.titan-embed-text-v2:0"),
            "embed cohere": ("bedrock", "cohere.embed-english-v3"),
            "draw gemini": ("gemini", "gemini-2.5-flash-image"),
            "draw vertex": ("vertex-gemini", "gemini-2.5-flash-image"),
            "draw imagen": ("vertex-gemini", "imagen-4.0-generate-001"),
        }
        models: list[Body] = [
            {"name": model_of(name), "backends": [{"credential": own, "upstreamName": upstream}]}
            for name, (own, upstream) in names.items()
        ]
        models[0]["metadata"] = {"maxOutputTokens": 16_384}  # fewer than coding agents ask for
        backend = {"credential": "anthropic", "upstreamName": SONNET}
        parameters = {"drop": ["seed", "logprobs"], "defaults": {"temperature": 0.5}}
        models.append(
            {"name": "anthropic-lenient", "backends": [backend], "parameters": parameters}
        )
        account = tokens.service_account()
        key, (secret, _) = next(iter(bedrock.KEYS.items()))
        aws = {"aws_access_key_id": key, "aws_secret_access_key": secret}
        secrets = {
            "openai": openai.key,
            "anthropic": anthropic.key,
            "gemini": gemini.key,
            "vertex-gemini": account,
            "vertex-claude": account,
            "bedrock": json.dumps(aws),
        }
        backoff = {"initial": "1ms", "max": "5ms"}
        retries = {"retries": {"attempts": 1, "backoff": backoff, "budgetPercent": 100}}
        text = manifest(credentials, models, secrets=secrets, resilience=retries)
        router = await enter(served(text, **settings))
        url = f"http://127.0.0.1:{router.port}"
        services = {
            "OpenAI": openai,
            "Anthropic": anthropic,
            "Gemini": gemini,
            "Vertex Gemini": gemini,
            "Vertex Claude": anthropic,
            "Bedrock": converse,
        }
        clients: dict[str, Client] = {
            "chat": ChatClient(url),
            "responses": ResponsesClient(url),
            "messages": MessagesClient(url),
        }
        for client in clients.values():
            stack.push_async_callback(client.close)
        yield World(services, clients, router)
