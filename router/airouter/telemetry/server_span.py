"""The SERVER span of a request, by the conventions for HTTP.

https://opentelemetry.io/docs/specs/semconv/http/http-spans/. It has no tokens: these are on the
spans of the attempts that made them, so that whoever sums them up counts none twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.costs import in_usd
from airouter.telemetry import otlp
from airouter.telemetry.conventions import encode_attributes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airouter.telemetry.conventions import Attributes
    from airouter.telemetry.http_details import HttpDetails
    from airouter.telemetry.record import BanEvent, RequestRecord


def request_body(
    method: str,
    path: str,
    operation: str,
    model: str,
    stream: bool,
    session: bool,
    status: int,
    error: str | None,
    principal: str,
    credential: str,
    remote_parent: bool,
    older: tuple[tuple[str, str], ...],
) -> bytes:
    """Encode the part of a span that all such requests share."""
    failed = status >= 500 or (status < 400 and error is not None)
    values: Attributes = {
        "http.request.method": method,
        "http.route": path,
        "url.path": path,
        "http.response.status_code": status,
        "network.protocol.name": "websocket" if session else None,
        "gen_ai.operation.name": operation,
        "gen_ai.request.stream": stream or None,
        "gen_ai.request.model": model or None,
        "airouter.principal": principal or None,
        "airouter.credential": credential or None,
        "error.type": error or (str(status) if failed else None),
    }
    parent = otlp.REMOTE_PARENT if remote_parent else otlp.LOCAL_PARENT
    head = otlp.span_name(f"{method} {path}") + otlp.SERVER + parent
    status_field = otlp.STATUS_ERROR if failed else otlp.STATUS_UNSET
    return head + status_field + encode_attributes(values, dict(older))


def way_attributes(http: HttpDetails | None, older: Mapping[str, str]) -> bytes:
    """Encode the way of a request to the router."""
    if http is None:
        return b""
    values: Attributes = {
        "url.scheme": http.scheme,
        "server.address": http.server,
        "server.port": http.port,
        "client.address": http.client,
        "network.peer.address": http.peer,
        "network.peer.port": http.peer_port,
        "user_agent.original": http.user_agent,
    }
    return encode_attributes(values, older)


def own_attributes(record: RequestRecord) -> bytes:
    """Encode what is the request's own: its id, its cost, and how it was gone on with."""
    cost = record.cost
    values: Attributes = {
        "airouter.request_id": record.request_id,
        "airouter.cost_usd": None if cost is None else in_usd(cost.amount),
        "airouter.price_version": None if cost is None else record.price_version,
        "airouter.attempts": len(record.attempts) if len(record.attempts) > 1 else None,
        "airouter.continued": record.continued or None,
    }
    return encode_attributes(values)


def events_of(record: RequestRecord, epoch: int) -> Iterator[bytes]:
    """Yield the events of a request: bans, fallbacks, and streams that were gone on with.

    `epoch` is as for `SpanEncoder.encode`.
    """
    for ban in record.bans:
        yield encode_event("airouter.ban", ban.time, epoch, ban_values(ban))
    for attempt in record.attempts:
        whose = {
            "airouter.credential": attempt.credential,
            "gen_ai.request.model": attempt.upstream_name,
        }
        if attempt.model and attempt.model != record.model:
            named = {"airouter.fallback.model": attempt.model}
            yield encode_event("airouter.fallback", attempt.started, epoch, named | whose)
        if attempt.continues:
            yield encode_event("airouter.continued", attempt.first_byte, epoch, whose)


def ban_values(ban: BanEvent) -> dict[str, str]:
    """Return what a ban is about."""
    return {
        "airouter.credential": ban.credential,
        "gen_ai.request.model": ban.upstream_name,
        "airouter.ban.reason": ban.reason,
        "airouter.ban.duration": f"{ban.seconds:g}s",
    }


def encode_event(name: str, at: float, epoch: int, values: Mapping[str, str]) -> bytes:
    """Encode an encode_event, at a time of the monotonic clock."""
    attributes = (otlp.event_attribute(key, value) for key, value in values.items() if value)
    return otlp.span_event(name, nanoseconds(at) + epoch, b"".join(attributes))


def nanoseconds(seconds: float) -> int:
    """Return nanoseconds, OTLP's unit."""
    return int(seconds * 1_000_000_000)
