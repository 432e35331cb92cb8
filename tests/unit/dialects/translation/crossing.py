"""What a provider is sent for a client's body, by whichever translation leads there."""

from __future__ import annotations

from typing import Any

import msgspec

from airouter.config.snapshot import Parameters
from airouter.dialects.chat.upstream import COMPATIBLE, OPENAI
from airouter.dialects.client_request import ClientRequest, Edits, parse_client_request
from airouter.dialects.conversation import Destination, Json
from airouter.dialects.converse.upstream import CONVERSE, UNCOUNTED
from airouter.dialects.gemini.upstream import GEMINI
from airouter.dialects.messages.upstream import MESSAGES
from airouter.dialects.responses.upstream import RESPONSES as NATIVE
from airouter.dialects.translation.base import Translation
from airouter.dialects.translation.choice import translation_for
from airouter.dialects.translation.client_apis import ServedModel
from airouter.dialects.upstream_api import UpstreamApi
from airouter.interfaces import BufferedReply

SONNET = "claude-sonnet-4-5"
BEDROCK_SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
GEMINI_FLASH = "gemini-3-flash-preview"
GPT = "gpt-4o"
QWEN = "qwen3-32b"

WAYS: dict[str, tuple[UpstreamApi, str]] = {
    "openai": (OPENAI, GPT),
    "compatible": (COMPATIBLE, QWEN),
    "anthropic": (MESSAGES, SONNET),
    "gemini": (GEMINI, GEMINI_FLASH),
    "bedrock": (CONVERSE, BEDROCK_SONNET),
    "native": (NATIVE, GPT),
    "uncounted": (UNCOUNTED, "arn:aws:bedrock:eu-west-1:1:application-inference-profile/x"),
}
TRANSLATED = ("anthropic", "gemini", "bedrock")
"""Providers that no client speaks chat completions or Responses with."""


def way(api: str, to: str, model: str | None = None, **parameters: Any) -> Translation:
    """The way from an API for clients to a provider."""
    upstream, usual = WAYS[to]
    destination = Destination(model=model or usual, maker=f"{to}/key/{model or usual}")
    served = ServedModel("m", destination, Edits(Parameters(**parameters)), envelope={})
    return translation_for(api, upstream, served)


def request(**fields: Any) -> ClientRequest:
    return parse_client_request(msgspec.json.encode({"model": "m", **fields}))


def sent(api: str, to: str, model: str | None = None, **fields: Any) -> Json:
    """The body that a provider gets."""
    (body,) = way(api, to, model).encode(request(**fields))
    found: Json = msgspec.json.decode(body)
    return found


def heard(api: str, to: str, answer: Json, **fields: Any) -> Json:
    """The body that a client gets for a provider's answer."""
    asked = request(**fields)
    translation = way(api, to)
    translation.encode(asked)
    found: Json = msgspec.json.decode(
        translation.answer(asked, [BufferedReply(200, {}, msgspec.json.encode(answer))]).body
    )
    return found
