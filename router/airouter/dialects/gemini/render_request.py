"""From a conversation to the body of `generateContent`.

Source: Google's API reference of `v1beta`, and google-genai's types, which forbid unknown fields.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.conversation import Unsupported
from airouter.dialects.gemini.json_schema import google_schema
from airouter.dialects.gemini.models import Traits, traits_of
from airouter.dialects.gemini.render_tools import tool_config, tool_entries
from airouter.dialects.gemini.render_turns import Contents, is_fetched
from airouter.dialects.gemini.thinking import thinking_config
from airouter.dialects.media import urls_in
from airouter.dialects.turns import folded, joined_text, leading, merged

if TYPE_CHECKING:
    from airouter.dialects.conversation import (
        Conversation,
        Destination,
        Format,
        Json,
        Sampling,
    )

LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}")
LABELLED = re.compile(r"[a-z0-9_-]{0,63}")
HOTTEST = 2
PENALTIES = ("frequency_penalty", "presence_penalty")
LARGEST_CHOICE = 8
MOST_STOPS = 5
MODALITIES = {"text": "TEXT", "image": "IMAGE", "audio": "AUDIO"}
AUDIO_FORMAT = "pcm16"

_encoder = msgspec.json.Encoder()


def render_request(conversation: Conversation, destination: Destination) -> bytes:
    """Return the body for AI Studio; the model is in the path. Raises `Unsupported`."""
    return _encoder.encode(body_of(conversation, destination))


def render_vertex(conversation: Conversation, destination: Destination) -> bytes:
    """Return the body for Vertex AI, which takes labels. Raises `Unsupported`."""
    body = body_of(conversation, destination)
    labels = labels_of(conversation)
    return _encoder.encode(body | {"labels": labels} if labels else body)


def fetches(conversation: Conversation) -> list[str]:
    """Return the URLs that Google does not fetch, or not from everywhere."""
    return urls_in(conversation, lambda part, _url: is_fetched(part.media))


def body_of(conversation: Conversation, destination: Destination) -> dict[str, Any]:
    """Return the body before it is encoded, absent fields left out."""
    traits = traits_of(destination.model)
    refuse(conversation)
    instructions, rest = leading(conversation.turns)
    system = joined_text(part for turn in instructions for part in turn.parts)
    body = {
        "systemInstruction": {"parts": [{"text": system}]} if system else None,
        "contents": Contents(destination.maker, traits).of(merged(folded(rest))),
        "generationConfig": generation_config(conversation, traits),
        "tools": tool_entries(conversation),
        "toolConfig": tool_config(conversation),
    }
    if not body["contents"]:
        raise Unsupported("turns", "needs something that the user says")
    return {name: value for name, value in body.items() if value}


def refuse(conversation: Conversation) -> None:
    """Raise `Unsupported` for what Gemini has no field for."""
    if conversation.extensions:
        raise Unsupported(next(iter(conversation.extensions)), "does not know this field")
    temperature = conversation.sampling.temperature
    if temperature is not None and not 0 <= temperature <= HOTTEST:
        raise Unsupported("temperature", f"takes a temperature from 0 to {HOTTEST}")
    if conversation.sampling.logit_bias:
        raise Unsupported("logit_bias", "does not take it")
    if len(conversation.stop) > MOST_STOPS:
        raise Unsupported("stop", f"takes at most {MOST_STOPS} stop sequences")
    if conversation.n is not None and conversation.n > LARGEST_CHOICE:
        raise Unsupported("n", f"gives at most {LARGEST_CHOICE} answers")


def generation_config(conversation: Conversation, traits: Traits) -> Json:
    """Return the settings of an answer. Raises `Unsupported`."""
    config = {
        **sampling_fields(conversation.sampling, traits),
        "candidateCount": conversation.n if conversation.n != 1 else None,
        "maxOutputTokens": conversation.max_tokens,
        "stopSequences": list(conversation.stop) or None,
        "responseLogprobs": conversation.logprobs or None,
        "logprobs": conversation.top_logprobs or None,
        "responseModalities": modalities_of(conversation),
        "speechConfig": speech_of(conversation),
        "thinkingConfig": thinking_config(conversation.thinking, traits),
        **format_fields(conversation.format, conversation, traits),
    }
    return {name: value for name, value in config.items() if value is not None}


def sampling_fields(sampling: Sampling, traits: Traits) -> Json:
    """Return the settings of sampling. Raises `Unsupported`."""
    for name in PENALTIES:
        if getattr(sampling, name) and not traits.penalties:
            raise Unsupported(name, "does not take it")
    return {
        "temperature": sampling.temperature,
        "topP": sampling.top_p,
        "topK": sampling.top_k,
        "frequencyPenalty": sampling.frequency_penalty,
        "presencePenalty": sampling.presence_penalty,
        "seed": sampling.seed,
    }


def modalities_of(conversation: Conversation) -> list[str] | None:
    """Return the forms of an answer; None for text, which is the default. Raises `Unsupported`."""
    foreign = next((name for name in conversation.modalities if name not in MODALITIES), None)
    if foreign is not None:
        raise Unsupported("modalities", f"does not answer in '{foreign[:64]}'")
    wanted = [MODALITIES[name] for name in conversation.modalities]
    return wanted if wanted not in ([], ["TEXT"]) else None


def speech_of(conversation: Conversation) -> Json | None:
    """Return the voice. Gemini has but one format: samples without a header."""
    asked = conversation.audio or {}
    if asked.get("format", AUDIO_FORMAT) != AUDIO_FORMAT:
        raise Unsupported("audio", f"speaks only as '{AUDIO_FORMAT}'")
    voice = asked.get("voice")
    if not voice:
        return None
    return {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}


def format_fields(wanted: Format | None, conversation: Conversation, traits: Traits) -> Json:
    """Return the fields that hold an answer to JSON. Raises `Unsupported`."""
    if wanted is None or wanted.kind == "text":
        return {}
    if conversation.tools and not traits.schema_with_tools:
        raise Unsupported("format", "answers in JSON only without tools")
    json: Json = {"responseMimeType": "application/json"}
    if wanted.schema is not None:
        json["responseJsonSchema"] = google_schema(wanted.schema)
    return json


def labels_of(conversation: Conversation) -> dict[str, str]:
    """Return the metadata that can stand on a bill of Google Cloud."""
    metadata = conversation.hints.metadata or {}
    return {
        name: value
        for name, value in metadata.items()
        if LABEL.fullmatch(name) and isinstance(value, str) and LABELLED.fullmatch(value)
    }
