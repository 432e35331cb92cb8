"""Every provider's stand-in, and one router in front of them all."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Container
from dataclasses import dataclass
from typing import Any

from contract.matrix.clients import ChatClient, Client, MessagesClient
from contract.services.converse import service as bedrock
from contract.services.gemini import service as google
from contract.services.messages import service as claude
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
        if upstream == "OpenAI":
            self.services[upstream].turns.append(in_openai(turn))
        else:
            self.services[upstream].turns.append(turn)

    def asked(self, upstream: str) -> Body:
        """What the upstream was asked last."""
        body: Body = self.services[upstream].journal[-1].body
        return body


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
async def world() -> AsyncIterator[World]:
    """All of it, listening."""
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        openai = await enter(openai_service.openai_service())
        anthropic = await enter(claude.anthropic_service())
        gemini = await enter(google.gemini_service())
        converse = await enter(bedrock.converse_service())
        tokens = Google()
        tokens.url = await enter(listening(tokens.answer))
        gemini.tokens = anthropic.tokens = Tokens(tokens)
        gcp = {"project": "p1", "location": "global"}
        credentials = [
            credential("openai", "OpenAI", openai.base_url),
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
            "Vertex Claude": ("vertex-claude", SONNET),
            "Bedrock": ("bedrock", bedrock.CLAUDE),
        }
        models = [
            {"name": model_of(name), "backends": [{"credential": own, "upstreamName": upstream}]}
            for name, (own, upstream) in names.items()
        ]
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
        retries = {"retries": {"attempts": 1, "backoff": {"initial": "1ms", "max": "5ms"}}}
        text = manifest(credentials, models, secrets=secrets, resilience=retries)
        router = await enter(served(text))
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
            "messages": MessagesClient(url),
        }
        yield World(services, clients, router)
