"""Which translation leads from what a client asks to how a provider is spoken to."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects import chat, converse, gemini, messages, responses
from airouter.dialects.converse.counting import parse_count as parse_converse_count
from airouter.dialects.converse.counting import render_count as converse_count
from airouter.dialects.embeddings.choice import bedrock_codec, vertex_codec
from airouter.dialects.embeddings.google import GeminiEmbeddingCodec
from airouter.dialects.gemini.counting import parse_count as parse_gemini_count
from airouter.dialects.gemini.counting import render_count, render_vertex_count
from airouter.dialects.images.choice import google_codec
from airouter.dialects.messages.counting import parse_count as parse_messages_count
from airouter.dialects.translation.batch import EmbeddingsTranslation, ImagesTranslation
from airouter.dialects.translation.conversing import ConversationTranslation
from airouter.dialects.translation.counting import MESSAGES, RESPONSES, Counting, Estimate
from airouter.dialects.translation.passthrough import (
    PACKED,
    PACKED_OR_SEALED,
    MessagesPassThrough,
    PassThrough,
    ResponsesPassThrough,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airouter.dialects.client_request import Edits, Envelope
    from airouter.dialects.conversation import Destination
    from airouter.dialects.dialect import ClientDialect, UpstreamDialect
    from airouter.dialects.embeddings.codec import EmbeddingCodec
    from airouter.dialects.translation.base import Translation

CLIENTS: Mapping[str, ClientDialect] = {
    "chat": chat.CLIENT,
    "responses": responses.CLIENT,
    "messages": messages.CLIENT,
    "compact": responses.CLIENT,  # `airouter.responses` does it by asking for a summary
}
FOREIGN = {
    "responses": PACKED_OR_SEALED,
    "router": PACKED,  # it may have sealed what we cannot open
}
"""What those do not know who speak Responses themselves."""
UPSTREAMS: Mapping[str, UpstreamDialect] = {
    "openai": chat.UPSTREAM,
    "compatible": chat.COMPATIBLE,
    "messages": messages.UPSTREAM,
    "gemini": gemini.UPSTREAM,
    "vertex": gemini.VERTEX,
    "converse": converse.UPSTREAM,
}
EMBEDDINGS: Mapping[str, Callable[[str], EmbeddingCodec]] = {
    "gemini": GeminiEmbeddingCodec,
    "vertex": vertex_codec,
    "converse": bedrock_codec,
}
OPENAI = frozenset({"openai", "compatible"})
CONVERSING = frozenset({"responses", "compact", "input_tokens", "messages"})
"""What clients speak beside OpenAI's older words."""


def translation_for(
    api: str,
    speech: str,
    destination: Destination,
    edits: Edits,
    *,
    public_model: str,
    envelope: Envelope,
) -> Translation:
    """Return the translation from an API for clients to a provider's `Speech`."""
    if speech in FOREIGN:
        return ResponsesPassThrough(destination.model, edits, foreign=FOREIGN[speech])
    if speech in OPENAI and api not in CONVERSING:
        return PassThrough(msgspec.Raw(msgspec.json.encode(destination.model)), edits)
    match api:
        case "chat" | "responses" | "messages" | "compact":
            return conversing(api, speech, destination, edits, public_model, envelope)
        case "count_tokens" | "input_tokens":
            return counting(api, speech, destination, edits, public_model, envelope)
        case "embeddings":
            return EmbeddingsTranslation(
                partial(EMBEDDINGS[speech], destination.model), edits, public_model
            )
        case "images":
            codec = partial(google_codec, destination.model)
            return ImagesTranslation(codec, edits, public_model)
    raise ValueError(f"no way from {api} to {speech}")


def conversing(
    api: str,
    speech: str,
    destination: Destination,
    edits: Edits,
    public_model: str,
    envelope: Envelope,
) -> Translation:
    """For conversations."""
    translation = ConversationTranslation(
        CLIENTS[api],
        UPSTREAMS[speech],
        destination,
        edits,
        public_model=public_model,
        envelope=envelope,
    )
    if api == speech == "messages":
        return MessagesPassThrough(edits, envelope, translation)
    return translation


def counting(
    api: str,
    speech: str,
    destination: Destination,
    edits: Edits,
    public_model: str,
    envelope: Envelope,
) -> Translation:
    """For numbers of tokens."""
    asking = MESSAGES if api == "count_tokens" else RESPONSES
    match speech:
        case "messages" if api == "input_tokens":
            parts = messages.COUNTED.render_request, parse_messages_count, messages.UPSTREAM.fetches
        case "messages":
            rewriting = ConversationTranslation(
                messages.COUNTER,
                messages.COUNTED,
                destination,
                edits,
                public_model=public_model,
                envelope=envelope,
            )
            return MessagesPassThrough(edits, envelope, rewriting)
        case "gemini":
            parts = render_count, parse_gemini_count, gemini.UPSTREAM.fetches
        case "vertex":
            parts = render_vertex_count, parse_gemini_count, gemini.VERTEX.fetches
        case "converse":
            parts = converse_count, parse_converse_count, converse.UPSTREAM.fetches
        case _:
            return Estimate(asking)
    return Counting(asking, *parts, destination, edits, public_model, envelope)
