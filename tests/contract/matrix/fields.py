"""The fields of each API for clients, one sample of each, and why some do not reach a provider."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

Json = dict[str, Any]

SCHEMA: Json = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
FUNCTION: Json = {"type": "function", "function": {"name": "f", "parameters": SCHEMA}}
FLAT: Json = {"type": "function", "name": "f", "parameters": SCHEMA}
TOOL: Json = {"name": "f", "input_schema": SCHEMA}
NAMED: Json = {"name": "s", "schema": SCHEMA}
FORMAT: Json = {"type": "json_schema", "schema": SCHEMA}

HINT = "a hint: the answer is the same without"
NONE_SUCH = "the provider has nothing like it, and the answer would be another one"
OPENAIS = "a service of OpenAI's own"
ANTHROPICS = "a service of Anthropic's own"
ROUTERS = "the router does it itself"
UNKNOWN = "an unknown field is no field of the API"
NO_REASONING = "this model does not reason; those that do are told the nearest effort"
NOT_HEARD = "the provider makes no sound, or in another form"
CACHED_ANYHOW = "a hint: others cache by themselves, or at the points in the prompt"
ONE_CALL = "where there is no word for it, the client gets the first of several calls"


class Field(NamedTuple):
    """A field, and a value that asks for something."""

    name: str
    value: Any
    why: str = ""
    """The reason where it is left out or refused."""
    beside: Json = {}  # noqa: RUF012  # never changed
    """Fields that it needs."""


CHAT = [
    Field("audio", {"voice": "v", "format": "wav"}, NOT_HEARD, {"modalities": ["text", "audio"]}),
    Field("frequency_penalty", 0.5, NONE_SUCH),
    Field("function_call", {"name": "f"}, "", {"functions": [{"name": "f"}]}),
    Field("functions", [{"name": "f"}]),
    Field("logit_bias", {"5": 1}, NONE_SUCH),
    Field("logprobs", True, NONE_SUCH),
    Field("max_completion_tokens", 5),
    Field("max_tokens", 5),
    Field("metadata", {"a": "b"}, f"{HINT}; on Vertex AI it becomes labels"),
    Field("modalities", ["text", "audio"], NONE_SUCH),
    Field("moderation", {"model": "x"}, OPENAIS),
    Field("n", 2, NONE_SUCH),
    Field("parallel_tool_calls", False, ONE_CALL, {"tools": [FUNCTION]}),
    Field("prediction", {"type": "content", "content": "x"}, HINT),
    Field("presence_penalty", 0.5, NONE_SUCH),
    Field("prompt_cache_key", "k", CACHED_ANYHOW),
    Field("prompt_cache_options", {"ttl": "30m"}, CACHED_ANYHOW),
    Field("prompt_cache_retention", "24h", CACHED_ANYHOW),
    Field("reasoning_effort", "high"),
    Field("response_format", {"type": "json_schema", "json_schema": NAMED}),
    Field("safety_identifier", "u", HINT),
    Field("seed", 1, NONE_SUCH),
    Field("service_tier", "flex", HINT),
    Field("stop", ["x"]),
    Field("store", True, HINT),
    Field("stream", True, "the path asks for a stream"),
    Field("stream_options", {"include_usage": True}, ROUTERS, {"stream": True}),
    Field("temperature", 0.5),
    Field("thinking", {"type": "enabled", "budget_tokens": 2048}),
    Field("tool_choice", "required", "", {"tools": [FUNCTION]}),
    Field("tools", [FUNCTION]),
    Field("top_k", 5),
    Field("top_logprobs", 2, NONE_SUCH, {"logprobs": True}),
    Field("top_p", 0.5),
    Field("user", "u", HINT),
    Field("verbosity", "low", HINT),
    Field("web_search_options", {}, "the provider has no search of its own"),
    Field("any_other", 1, UNKNOWN),
]
RESPONSES = [
    Field("access_programs", {"a": "b"}, OPENAIS),
    Field("background", True, ROUTERS),
    Field("background_options", {"completion_window": "soonest"}, HINT),
    Field("client_metadata", {"a": "b"}, HINT),
    Field("context_management", [{"type": "compaction", "compact_threshold": 9000}], ROUTERS),
    Field("conversation", "conv_1", ROUTERS),
    Field("image", {"context_compression": "auto"}, HINT),
    Field("include", ["reasoning.encrypted_content"], f"{ROUTERS}, as far as there is any"),
    Field("instructions", "Be brief."),
    Field("max_output_tokens", 50),
    Field("max_tool_calls", 3, "bounds the tools of the provider, which get it as their own bound"),
    Field("metadata", {"a": "b"}, f"{HINT}; on Vertex AI it becomes labels"),
    Field("moderation", {"model": "x"}, OPENAIS),
    Field("parallel_tool_calls", False, ONE_CALL, {"tools": [FLAT]}),
    Field("previous_response_id", "resp_1", ROUTERS),
    Field("prompt", {"id": "p"}, OPENAIS),
    Field("prompt_cache_key", "k", CACHED_ANYHOW),
    Field("prompt_cache_options", {"ttl": "30m"}, CACHED_ANYHOW),
    Field("prompt_cache_retention", "24h", CACHED_ANYHOW),
    Field("reasoning", {"effort": "high", "summary": "auto"}, NO_REASONING),
    Field("safety_identifier", "u", HINT),
    Field("service_tier", "flex", HINT),
    Field("store", True, ROUTERS),
    Field("stream", True, "the path asks for a stream"),
    Field("stream_options", {"include_obfuscation": False}, HINT, {"stream": True}),
    Field("temperature", 0.5),
    Field("text", {"format": {"type": "json_schema", **NAMED}}),
    Field("tool_choice", "required", "", {"tools": [FLAT]}),
    Field("tools", [FLAT]),
    Field("top_logprobs", 2, NONE_SUCH),
    Field("top_p", 0.5),
    Field(
        "truncation",
        "auto",
        "nothing is cut silently: a prompt that is too long is refused; `context_management` makes"
        " it shorter",
    ),
    Field("user", "u", HINT),
    Field("any_other", 1, UNKNOWN),
]
MESSAGES = [
    Field("anthropic_beta", ["interleaved-thinking-2025-05-14"], "sent in a header, or a hint"),
    Field("anthropic_version", "2023-06-01", ROUTERS),
    Field("cache_control", {"type": "ephemeral"}, CACHED_ANYHOW),
    Field("container", "c", ANTHROPICS),
    Field("context_management", {"edits": [{"type": "clear_tool_uses_20250919"}]}, HINT),
    Field("diagnostics", {"previous_message_id": None}, HINT),
    Field("inference_geo", "eu", "a promise that no other provider gives"),
    Field("mcp_servers", [{"type": "url", "url": "https://a.test", "name": "a"}], ANTHROPICS),
    Field("metadata", {"user_id": "u"}, HINT),
    Field("output_config", {"effort": "high", "format": FORMAT}),
    Field("output_format", FORMAT),
    Field("service_tier", "standard_only", HINT),
    Field("speed", "fast", HINT),
    Field("stop_sequences", ["x"]),
    Field("stream", True, "the path asks for a stream"),
    Field("system", "Be brief."),
    Field("temperature", 0.5),
    Field("thinking", {"type": "enabled", "budget_tokens": 2048}, NO_REASONING),
    Field("tool_choice", {"type": "any"}, "", {"tools": [TOOL]}),
    Field("tools", [TOOL]),
    Field("top_k", 5, NONE_SUCH),
    Field("top_p", 0.5),
    Field("user_profile_id", "u", ANTHROPICS),
    Field("any_other", 1, UNKNOWN),
]
ASKING: Json = {"role": "user", "content": "Hello!"}
APIS: dict[str, tuple[Json, list[Field]]] = {
    "chat": ({"model": "m", "messages": [ASKING]}, CHAT),
    "responses": ({"model": "m", "input": [ASKING]}, RESPONSES),
    "messages": ({"model": "m", "max_tokens": 9000, "messages": [ASKING]}, MESSAGES),
}
"""For each API the least of a request, and its further fields."""


def fields_of(schema: type[msgspec.Struct], api: str) -> set[str]:
    """The fields of an API, by its schema, without those of the least request."""
    return {each.encode_name for each in msgspec.structs.fields(schema)} - APIS[api][0].keys()
