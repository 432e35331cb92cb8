"""The names of the conventions that spans are written in, and the older names beside them.

The newest: those of generative AI from https://github.com/open-telemetry/semantic-conventions-genai
(docs/gen-ai/client-inference.md), those of HTTP from OpenTelemetry's stable conventions. A list in
OTEL_SEMCONV_STABILITY_OPT_IN adds the older ones: `http/dup`, `gen_ai/dup`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from airouter.telemetry import otlp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Value = str | int | float | Sequence[str] | None
    Attributes = Mapping[str, Value]

OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"
HTTP_DUP, GEN_AI_DUP = "http/dup", "gen_ai/dup"

OLDER_GEN_AI = {
    "gen_ai.provider.name": "gen_ai.system",
    "gen_ai.usage.input_tokens": "gen_ai.usage.prompt_tokens",
    "gen_ai.usage.output_tokens": "gen_ai.usage.completion_tokens",
    "gen_ai.usage.cache_write.input_tokens": "gen_ai.usage.cache_creation.input_tokens",
}
OLDER_HTTP = {
    "http.request.method": "http.method",
    "http.response.status_code": "http.status_code",
}
OLDER_SERVER = OLDER_HTTP | {
    "url.path": "http.target",
    "url.scheme": "http.scheme",
    "server.address": "net.host.name",
    "server.port": "net.host.port",
    "client.address": "http.client_ip",
    "network.peer.address": "net.sock.peer.addr",
    "network.peer.port": "net.sock.peer.port",
    "user_agent.original": "http.user_agent",
}
OLDER_CLIENT = OLDER_HTTP | {
    "server.address": "net.peer.name",
    "server.port": "net.peer.port",
}
NO_OLDER: dict[str, str] = {}


class Conventions(NamedTuple):
    """The older names to write beside the newest, of either kind of span."""

    server: Mapping[str, str] = NO_OLDER
    client: Mapping[str, str] = NO_OLDER


NEWEST = Conventions()


def conventions_from(environ: Mapping[str, str]) -> Conventions:
    """Return the conventions that OTEL_SEMCONV_STABILITY_OPT_IN asks for."""
    asked = {each.strip().lower() for each in environ.get(OPT_IN, "").split(",")}
    gen_ai = OLDER_GEN_AI if GEN_AI_DUP in asked else {}
    http = HTTP_DUP in asked
    return Conventions(
        gen_ai | (OLDER_SERVER if http else {}), gen_ai | (OLDER_CLIENT if http else {})
    )


def encode_attributes(values: Attributes, older: Mapping[str, str] = NO_OLDER) -> bytes:
    """Encode attributes, without those that have no value, and with older names for some."""
    written = b""
    for key, value in values.items():
        if value is None:
            continue
        any_value = encode_value(value)
        written += otlp.attribute(otlp.attribute_key(key), any_value)
        if key in older:
            written += otlp.attribute(otlp.attribute_key(older[key]), any_value)
    return written


def encode_value(value: str | float | Sequence[str]) -> bytes:
    """Encode the value of an attribute."""
    match value:
        case bool():
            return otlp.boolean(value)
        case int():
            return otlp.integer(value)
        case float():
            return otlp.double(value)
        case str():
            return otlp.string(value)
    return otlp.strings(value)
