"""The CLIENT span of an attempt, by the conventions for generative AI.

https://github.com/open-telemetry/semantic-conventions-genai, docs/gen-ai/client-inference.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import urlsplit

from airouter.telemetry import otlp
from airouter.telemetry.conventions import encode_attributes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.config.snapshot import Credential
    from airouter.dialects.conversation import Usage
    from airouter.telemetry.conventions import Attributes
    from airouter.telemetry.genai.asked import Asked
    from airouter.telemetry.genai.content import Content
    from airouter.telemetry.record import Attempt, RequestRecord, Trace

DEFAULT_PORTS = {"http": 80, "https": 443}


class TracedProvider(Protocol):
    """A type of provider, as far as traces tell of it."""

    @property
    def trace_name(self) -> str:
        """`gen_ai.provider.name`."""
        ...

    def base_url(self, credential: Credential) -> str | None:
        """Return where the provider is when its credential does not say."""
        ...


if TYPE_CHECKING:
    TracedProviders = Mapping[str, TracedProvider]
    """By the type of a credential."""


class Peer(NamedTuple):
    """A provider as spans name it."""

    provider: str | None
    address: str | None
    port: int | None


UNKNOWN = Peer(None, None, None)
"""The provider of a credential that a reload removed while it was in use."""


def peer_of(credential: Credential, providers: TracedProviders) -> Peer:
    """Return the provider behind a credential."""
    provider = providers.get(credential.type)
    if provider is None:  # of a newer operator
        return Peer(credential.type, None, None)
    try:
        url = urlsplit(credential.base_url or provider.base_url(credential) or "")
        return Peer(provider.trace_name, url.hostname, url.port or DEFAULT_PORTS.get(url.scheme))
    except ValueError:  # of a credential that is left out for it
        return Peer(provider.trace_name, None, None)


def attempt_body(
    operation: str,
    model: str,
    credential: str,
    peer: Peer,
    stream: bool,
    status: int,
    error: str | None,
    resend: int,
    older: Mapping[str, str],
) -> bytes:
    """Encode the part of a span that all such attempts share."""
    failed = status >= 400 or error is not None
    values: Attributes = {
        "gen_ai.operation.name": operation,
        "gen_ai.request.model": model,
        "gen_ai.request.stream": stream or None,
        "gen_ai.provider.name": peer.provider,
        "server.address": peer.address,
        "server.port": peer.port,
        "http.request.method": "POST",
        "http.response.status_code": status or None,
        "http.request.resend_count": resend or None,
        "airouter.credential": credential,
        "error.type": error or (str(status) if failed else None),
    }
    head = otlp.span_name(f"{operation} {model}") + otlp.CLIENT + otlp.LOCAL_PARENT
    status_field = otlp.STATUS_ERROR if failed else otlp.STATUS_UNSET
    return head + status_field + encode_attributes(values, older)


def asked_attributes(asked: Asked | None) -> bytes:
    """Encode what the client asked for."""
    if asked is None:
        return b""
    values: Attributes = {
        "gen_ai.request.max_tokens": asked.max_tokens,
        "gen_ai.request.choice.count": asked.choices if asked.choices != 1 else None,
        "gen_ai.request.temperature": asked.temperature,
        "gen_ai.request.top_p": asked.top_p,
        "gen_ai.request.top_k": asked.top_k,
        "gen_ai.request.frequency_penalty": asked.frequency_penalty,
        "gen_ai.request.presence_penalty": asked.presence_penalty,
        "gen_ai.request.seed": asked.seed,
        "gen_ai.request.stop_sequences": asked.stop or None,
        "gen_ai.request.reasoning.level": asked.reasoning,
        "gen_ai.request.previous_response.id": asked.previous,
        "gen_ai.output.type": asked.form,
        "gen_ai.conversation.id": asked.conversation,
        "gen_ai.conversation.compacted": asked.compacted or None,
    }
    return encode_attributes(values)


def answered_attributes(record: RequestRecord, attempt: Attempt, trace: Trace) -> bytes:
    """Encode what the answer says of itself, for the attempt that it is of.

    A translated answer has the public name of the model; its translation knows the provider's.
    """
    tap = trace.tap
    if tap is None or attempt.status >= 400 or attempt.error is not None:
        return b""
    answered = tap.read()
    values: Attributes = {
        "gen_ai.response.id": answered.id,
        "gen_ai.response.model": answered.model if attempt.verbatim else trace.answered_by or None,
        "gen_ai.response.finish_reasons": answered.ends or None,
        "gen_ai.response.time_to_first_chunk": first_chunk(record, attempt),
    }
    return encode_attributes(values)


def content_attributes(content: Content | None) -> bytes:
    """Encode what was said, where traces shall have that."""
    if content is None:
        return b""
    values: Attributes = {
        "gen_ai.system_instructions": content.instructions or None,
        "gen_ai.input.messages": content.input or None,
        "gen_ai.output.messages": content.output or None,
        "airouter.content.truncated": content.truncated or None,
    }
    return encode_attributes(values)


def usage_attributes(usage: Usage | None, older: Mapping[str, str]) -> bytes:
    """Encode the tokens of an attempt's part of the answer."""
    if usage is None:
        return b""
    values: Attributes = {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens or None,
        "gen_ai.usage.cache_write.input_tokens": usage.cache_write_tokens or None,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens or None,
        "gen_ai.usage.audio.input_tokens": usage.audio_input_tokens or None,
        "gen_ai.usage.audio.output_tokens": usage.audio_output_tokens or None,
        "gen_ai.usage.image.input_tokens": usage.image_input_tokens or None,
        "gen_ai.usage.image.output_tokens": usage.image_output_tokens or None,
    }
    return encode_attributes(values, older)


def first_chunk(record: RequestRecord, attempt: Attempt) -> float | None:
    """Return the seconds from an attempt's start to the first piece of its stream.

    None for an attempt that only went on with the stream of another.
    """
    if not (record.stream and record.first_byte and attempt.first_byte) or record.continued:
        return None
    return record.first_byte - attempt.started
