"""Encodes the spans of a record, with the names of the conventions.

One SERVER span for the request, one CLIENT span below it per attempt, named by OpenTelemetry's
conventions for HTTP and for generative AI, https://opentelemetry.io/docs/specs/semconv/gen-ai/.
Most of a span is the same for all requests of a kind, so it is encoded once and kept; `otlp.py`
knows the bytes, `otlp_tracing.py` sends them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import urlsplit

from airouter.costs import in_usd
from airouter.telemetry import otlp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airouter.config.snapshot import Credential
    from airouter.telemetry.record import Attempt, BanEvent, RequestRecord, Trace

    Attributes = Mapping[str, str | int | None]

REQUEST_ID = otlp.attribute_key("airouter.request_id")
INPUT_TOKENS = otlp.attribute_key("gen_ai.usage.input_tokens")
OUTPUT_TOKENS = otlp.attribute_key("gen_ai.usage.output_tokens")
CACHE_WRITE_TOKENS = otlp.attribute_key("gen_ai.usage.cache_creation.input_tokens")
CACHED_TOKENS = otlp.attribute_key("gen_ai.usage.cache_read.input_tokens")
REASONING_TOKENS = otlp.attribute_key("gen_ai.usage.reasoning.output_tokens")
CONTINUED = otlp.attribute_key("airouter.continued")
COST = otlp.attribute_key("airouter.cost_usd")
PRICE_VERSION = otlp.attribute_key("airouter.price_version")
FIRST_CHUNK = otlp.attribute_key("gen_ai.response.time_to_first_chunk")

KINDS = 4_096
"""Kinds of spans whose common part is kept."""

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


class SpanEncoder:
    """Encodes records as spans."""

    def __init__(self, providers: TracedProviders) -> None:
        self._providers = providers
        self._request_body = lru_cache(KINDS)(request_body)
        self.reload(())

    def reload(self, credentials: Iterable[Credential]) -> None:
        """Learn the provider of each credential."""
        peers = {each.name: peer_of(each, self._providers) for each in credentials}

        @lru_cache(KINDS)
        def body(
            operation: str, model: str, credential: str, status: int, error: str | None, resend: int
        ) -> bytes:
            peer = peers.get(credential, UNKNOWN)
            return attempt_body(operation, model, credential, peer, status, error, resend)

        self._attempt_body = body

    def encode(self, record: RequestRecord, trace: Trace, epoch: int) -> bytes:
        """Encode the spans of a record.

        `epoch` is the wall clock's time, in nanoseconds, when the monotonic clock was zero.
        """
        tokens = usage_attributes(record)
        spans = self._request_span(record, trace, epoch, tokens)
        last = len(record.attempts) - 1
        for resend, attempt in enumerate(record.attempts):
            own = tokens + first_chunk(record, attempt) if resend == last else b""
            spans += self._attempt_span(record.operation, attempt, trace, epoch, resend, own)
        return spans

    def _request_span(
        self, record: RequestRecord, trace: Trace, epoch: int, tokens: bytes
    ) -> bytes:
        last = record.last
        body = self._request_body(
            record.method,
            record.path,
            record.operation,
            record.model,
            record.stream,
            record.status,
            record.error,
            record.principal,
            last.credential if last is not None else "",
            bool(trace.parent_id),
        )
        body += otlp.attribute(REQUEST_ID, otlp.string(record.request_id)) + tokens
        body += cost_attributes(record)
        if record.continued:
            body += otlp.attribute(CONTINUED, otlp.integer(record.continued))
        for ban in record.bans:
            body += event_of(ban, epoch)
        times = (nanoseconds(record.started) + epoch, nanoseconds(record.ended) + epoch)
        return otlp.span(trace, trace.span_id, trace.parent_id, times, body)

    def _attempt_span(
        self, operation: str, attempt: Attempt, trace: Trace, epoch: int, resend: int, own: bytes
    ) -> bytes:
        body = self._attempt_body(
            operation,
            attempt.upstream_name,
            attempt.credential,
            attempt.status,
            attempt.error,
            resend,
        )
        times = (nanoseconds(attempt.started) + epoch, nanoseconds(attempt.ended) + epoch)
        return otlp.span(trace, attempt.span_id, trace.span_id, times, body + own)


def request_body(
    method: str,
    path: str,
    operation: str,
    model: str,
    stream: bool,
    status: int,
    error: str | None,
    principal: str,
    credential: str,
    remote_parent: bool,
) -> bytes:
    """Encode the part of a span that all such requests share."""
    failed = status >= 500 or (status < 400 and error is not None)
    values: Attributes = {
        "http.request.method": method,
        "http.route": path,
        "url.path": path,
        "http.response.status_code": status,
        "gen_ai.operation.name": operation,
        "gen_ai.request.stream": stream,
        "gen_ai.request.model": model or None,
        "airouter.principal": principal or None,
        "airouter.credential": credential or None,
        "error.type": error or (str(status) if failed else None),
    }
    parent = otlp.REMOTE_PARENT if remote_parent else otlp.LOCAL_PARENT
    head = otlp.span_name(f"{method} {path}") + otlp.SERVER + parent
    return head + outcome(failed=failed) + attributes(values)


def attempt_body(
    operation: str,
    model: str,
    credential: str,
    peer: Peer,
    status: int,
    error: str | None,
    resend: int,
) -> bytes:
    """Encode the part of a span that all such attempts share."""
    failed = status >= 400 or error is not None
    values: Attributes = {
        "gen_ai.operation.name": operation,
        "gen_ai.request.model": model,
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
    return head + outcome(failed=failed) + attributes(values)


def outcome(*, failed: bool) -> bytes:
    """Return a span's status; the conventions leave a good one unset."""
    return otlp.STATUS_ERROR if failed else otlp.STATUS_UNSET


def attributes(values: Attributes) -> bytes:
    """Encode attributes, without those that have no value."""
    encoded = b""
    for key, value in values.items():
        match value:
            case None:
                continue
            case bool():
                any_value = otlp.boolean(value)
            case int():
                any_value = otlp.integer(value)
            case _:
                any_value = otlp.string(value)
        encoded += otlp.attribute(otlp.attribute_key(key), any_value)
    return encoded


def usage_attributes(record: RequestRecord) -> bytes:
    """Encode the tokens of a request that the provider counted."""
    counted = b""
    for key, tokens in (
        (INPUT_TOKENS, record.input_tokens),
        (OUTPUT_TOKENS, record.output_tokens),
        (CACHED_TOKENS, record.cached_tokens),
        (CACHE_WRITE_TOKENS, record.cache_write_tokens),
        (REASONING_TOKENS, record.reasoning_tokens),
    ):
        if tokens:
            counted += otlp.attribute(key, otlp.integer(tokens))
    return counted


def cost_attributes(record: RequestRecord) -> bytes:
    """Encode the cost of a request, and the version of its price, where they are known."""
    cost = record.cost
    if cost is None:
        return b""
    amount = otlp.attribute(COST, otlp.double(in_usd(cost.amount)))
    return amount + otlp.attribute(PRICE_VERSION, otlp.string(record.price_version))


def first_chunk(record: RequestRecord, attempt: Attempt) -> bytes:
    """Encode the time from an attempt's start to the first piece of its stream.

    None for an attempt that only went on with the stream of another.
    """
    if not (record.stream and record.first_byte and attempt.first_byte) or attempt.status >= 400:
        return b""
    if record.continued:
        return b""
    return otlp.attribute(FIRST_CHUNK, otlp.double(record.first_byte - attempt.started))


def event_of(ban: BanEvent, epoch: int) -> bytes:
    """Encode the event of a ban; `epoch` is as for `SpanEncoder.encode`."""
    values = {
        "airouter.credential": ban.credential,
        "gen_ai.request.model": ban.upstream_name,
        "airouter.ban.reason": ban.reason,
        "airouter.ban.duration": f"{ban.seconds:g}s",
    }
    encoded = (otlp.event_attribute(key, value) for key, value in values.items() if value)
    return otlp.span_event("airouter.ban", nanoseconds(ban.time) + epoch, b"".join(encoded))


def nanoseconds(seconds: float) -> int:
    """Return nanoseconds, OTLP's unit."""
    return int(seconds * 1_000_000_000)
