"""Encodes the spans of a record: one SERVER span, and one CLIENT span below it per attempt.

`server_span.py` and `client_span.py` have the attributes of either. Most of a span is the same for
all requests of a kind, so it is encoded once and kept; `otlp.py` knows the bytes, `otlp_tracing.py`
sends them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from airouter.telemetry import otlp
from airouter.telemetry.client_span import (
    UNKNOWN,
    answered_attributes,
    asked_attributes,
    attempt_body,
    content_attributes,
    peer_of,
    usage_attributes,
)
from airouter.telemetry.conventions import NEWEST
from airouter.telemetry.server_span import (
    events_of,
    nanoseconds,
    own_attributes,
    request_body,
    way_attributes,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airouter.config.snapshot import Credential
    from airouter.telemetry.client_span import TracedProviders
    from airouter.telemetry.conventions import Conventions
    from airouter.telemetry.record import Attempt, RequestRecord, Trace

KINDS = 4_096
"""Kinds of spans whose common part is kept."""


class SpanEncoder:
    """Encodes records as spans."""

    def __init__(self, providers: TracedProviders, conventions: Conventions = NEWEST) -> None:
        self._providers = providers
        self._conventions = conventions
        self._older = tuple(conventions.server.items())
        self._request_body = lru_cache(KINDS)(request_body)
        self.reload(())

    def reload(self, credentials: Iterable[Credential]) -> None:
        """Learn the provider of each credential."""
        peers = {each.name: peer_of(each, self._providers) for each in credentials}
        older = self._conventions.client

        @lru_cache(KINDS)
        def body(
            operation: str,
            model: str,
            credential: str,
            stream: bool,
            status: int,
            error: str | None,
            resend: int,
        ) -> bytes:
            peer = peers.get(credential, UNKNOWN)
            return attempt_body(
                operation, model, credential, peer, stream, status, error, resend, older
            )

        self._attempt_body = body

    def encode(self, record: RequestRecord, trace: Trace, epoch: int) -> bytes:
        """Encode the spans of a record.

        `epoch` is the wall clock's time, in nanoseconds, when the monotonic clock was zero.
        """
        spans = self._request_span(record, trace, epoch)
        asked = asked_attributes(trace.asked)
        last = len(record.attempts) - 1
        for resend, attempt in enumerate(record.attempts):
            own = asked + usage_attributes(attempt.usage, self._conventions.client)
            if resend == last:
                own += answered_attributes(record, attempt, trace)
                own += content_attributes(trace.content)
            spans += self._attempt_span(record, attempt, trace, epoch, resend, own)
        return spans

    def _request_span(self, record: RequestRecord, trace: Trace, epoch: int) -> bytes:
        last = record.last
        body = self._request_body(
            record.method,
            record.path,
            record.operation,
            record.model,
            record.stream,
            record.session,
            record.status,
            record.error,
            record.principal,
            last.credential if last is not None else "",
            bool(trace.parent_id),
            self._older,
        )
        body += way_attributes(trace.http, self._conventions.server) + own_attributes(record)
        body += b"".join(events_of(record, epoch))
        times = (nanoseconds(record.started) + epoch, nanoseconds(record.ended) + epoch)
        return otlp.span(trace, trace.span_id, trace.parent_id, times, body)

    def _attempt_span(
        self,
        record: RequestRecord,
        attempt: Attempt,
        trace: Trace,
        epoch: int,
        resend: int,
        own: bytes,
    ) -> bytes:
        body = self._attempt_body(
            record.operation,
            attempt.upstream_name,
            attempt.credential,
            record.stream,
            attempt.status,
            attempt.error,
            resend,
        )
        times = (nanoseconds(attempt.started) + epoch, nanoseconds(attempt.ended) + epoch)
        return otlp.span(trace, attempt.span_id, trace.span_id, times, body + own)
