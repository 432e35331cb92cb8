"""From a conversation to the body of `generateContent`.

Source: Google's API reference of `v1beta`, and google-genai's types, which forbid unknown fields.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.conversation import File, HostedTool, Image, Tool, ToolResult, Unsupported
from airouter.dialects.functions import schema_of
from airouter.dialects.gemini.models import Traits, traits_of
from airouter.dialects.gemini.render_turns import Contents, is_fetched
from airouter.dialects.gemini.thinking import thinking_config
from airouter.dialects.tools import (
    description_of,
    no_such_tool,
    wants_own_container,
    without_search,
)
from airouter.dialects.turns import folded, leading, merged, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.dialects.conversation import (
        Conversation,
        Destination,
        Format,
        Json,
        Part,
        Sampling,
    )

FUNCTION_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}")
LABELLED = re.compile(r"[a-z0-9_-]{0,63}")
HOTTEST = 2
LARGEST_CHOICE = 8
MOST_STOPS = 5
MODES = {"auto": "AUTO", "required": "ANY", "none": "NONE"}
MODALITIES = {"text": "TEXT", "image": "IMAGE", "audio": "AUDIO"}
AUDIO_FORMAT = "pcm16"
RESTRICTIONS = ("allowed_domains", "blocked_domains", "filters")
"""Where a search on the web may look; Google looks everywhere."""

_encoder = msgspec.json.Encoder()


def render_request(conversation: Conversation, destination: Destination) -> bytes:
    """The body at AI Studio; the model is in the path. Raises `Unsupported`."""
    return _encoder.encode(body_of(conversation, destination))


def render_vertex(conversation: Conversation, destination: Destination) -> bytes:
    """The body at Vertex AI, which takes labels."""
    body = body_of(conversation, destination)
    labels = labels_of(conversation)
    return _encoder.encode(body | {"labels": labels} if labels else body)


def fetches(conversation: Conversation) -> list[str]:
    """The URLs that Google does not fetch, or not from everywhere."""
    return [
        part.media.url
        for turn in conversation.turns
        for part in media_in(turn.parts)
        if part.media.url is not None and is_fetched(part.media)
    ]


def media_in(parts: tuple[Part, ...]) -> Iterator[Image | File]:
    """All pictures and documents, those in results of tools too."""
    for part in parts:
        if isinstance(part, Image | File):
            yield part
        elif isinstance(part, ToolResult):
            yield from media_in(part.parts)


def body_of(conversation: Conversation, destination: Destination) -> dict[str, Any]:
    """All of it, absent fields left out."""
    traits = traits_of(destination.model)
    refuse(conversation)
    instructions, turns = leading(conversation.turns)
    system = "\n\n".join(filter(None, (text_of(turn.parts) for turn in instructions)))
    body = {
        "systemInstruction": {"parts": [{"text": system}]} if system else None,
        "contents": Contents(destination.maker, traits).of(merged(folded(turns))),
        "generationConfig": generation_config(conversation, traits),
        "tools": tools_of(conversation),
        "toolConfig": tool_config(conversation),
    }
    if not body["contents"]:
        raise Unsupported("turns", "needs something that the user says")
    return {name: value for name, value in body.items() if value}


def refuse(conversation: Conversation) -> None:
    """What Gemini has no word for."""
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
    """How to answer."""
    config = {
        **sampling_of(conversation.sampling),
        "candidateCount": conversation.n if conversation.n != 1 else None,
        "maxOutputTokens": conversation.max_tokens,
        "stopSequences": list(conversation.stop) or None,
        "responseLogprobs": conversation.logprobs or None,
        "logprobs": conversation.top_logprobs or None,
        "responseModalities": modalities_of(conversation),
        "speechConfig": speech_of(conversation),
        "thinkingConfig": thinking_config(conversation.thinking, traits),
        **format_of(conversation.format, conversation, traits),
    }
    return {name: value for name, value in config.items() if value is not None}


def sampling_of(sampling: Sampling) -> Json:
    """How tokens are drawn."""
    return {
        "temperature": sampling.temperature,
        "topP": sampling.top_p,
        "topK": sampling.top_k,
        "frequencyPenalty": sampling.frequency_penalty,
        "presencePenalty": sampling.presence_penalty,
        "seed": sampling.seed,
    }


def modalities_of(conversation: Conversation) -> list[str] | None:
    """In what form to answer; text is what it is anyway."""
    foreign = next((name for name in conversation.modalities if name not in MODALITIES), None)
    if foreign is not None:
        raise Unsupported("modalities", f"does not answer in '{foreign[:64]}'")
    wanted = [MODALITIES[name] for name in conversation.modalities]
    return wanted if wanted not in ([], ["TEXT"]) else None


def speech_of(conversation: Conversation) -> Json | None:
    """In whose voice to speak. Gemini has but one format: samples without a header."""
    asked = conversation.audio or {}
    if asked.get("format", AUDIO_FORMAT) != AUDIO_FORMAT:
        raise Unsupported("audio", f"speaks only as '{AUDIO_FORMAT}'")
    voice = asked.get("voice")
    if not voice:
        return None
    return {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}


def format_of(wanted: Format | None, conversation: Conversation, traits: Traits) -> Json:
    """What the answer must look like."""
    if wanted is None or wanted.kind == "text":
        return {}
    if conversation.tools and not traits.schema_with_tools:
        raise Unsupported("format", "answers in JSON only without tools")
    json: Json = {"responseMimeType": "application/json"}
    if wanted.schema is not None:
        json["responseJsonSchema"] = wanted.schema
    return json


def tools_of(conversation: Conversation) -> list[Json]:
    """The tools: functions together, and what Google runs."""
    tools = without_search(conversation)
    functions = [function_of(tool) for tool in tools if isinstance(tool, Tool)]
    hosted = [hosted_tool(tool) for tool in tools if isinstance(tool, HostedTool)]
    if functions and hosted:
        at = next(tool.at for tool in tools if isinstance(tool, HostedTool))
        raise Unsupported(at, "runs tools of its own only where there are no functions")
    return ([{"functionDeclarations": functions}] if functions else []) + hosted


def function_of(tool: Tool) -> Json:
    """A function. Raises `Unsupported` for a name that Google refuses."""
    if not FUNCTION_NAME.fullmatch(tool.name):
        raise Unsupported("tools", f"takes no tool of the name '{tool.name[:64]}'")
    schema = schema_of(tool) if tool.custom else tool.parameters
    function: Json = {"name": tool.name}
    description = description_of(tool)
    if description:
        function["description"] = description
    if schema:
        function["parametersJsonSchema"] = schema
    return function


def hosted_tool(tool: HostedTool) -> Json:
    """A tool that Google runs: a search on the web, or code."""
    if tool.kind.startswith("web_search"):
        unheeded = next((name for name in RESTRICTIONS if tool.native.get(name)), None)
        if unheeded is not None:
            raise Unsupported(tool.at, f"cannot be held to the '{unheeded}' of '{tool.kind}'")
        return {"googleSearch": {}}
    if tool.kind == "code_interpreter" and not wants_own_container(tool):
        return {"codeExecution": {}}
    raise no_such_tool(tool)


def tool_config(conversation: Conversation) -> Json | None:
    """Whether and which tool must be called."""
    choice = conversation.tool_choice
    if choice is None or not any(isinstance(tool, Tool) for tool in conversation.tools):
        return None
    mode = MODES[choice.mode]
    calling: Json = {"mode": mode}
    if choice.names:
        if mode == "AUTO":
            mode = calling["mode"] = "VALIDATED"
        calling["allowedFunctionNames"] = list(choice.names)
    return {"functionCallingConfig": calling}


def labels_of(conversation: Conversation) -> dict[str, str]:
    """The metadata that can stand on a bill at Google Cloud."""
    metadata = conversation.hints.metadata or {}
    return {
        name: value
        for name, value in metadata.items()
        if LABEL.fullmatch(name) and isinstance(value, str) and LABELLED.fullmatch(value)
    }
