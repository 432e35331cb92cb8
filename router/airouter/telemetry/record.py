"""What a request leaves behind for telemetry.

The pipeline fills one `Record` on the hot path and hands it to `recorder.py`; metrics, spans and
the access log are made of it later, in batches. It never holds a prompt, an answer or a key.

Times are `time.monotonic()` seconds.
"""

from __future__ import annotations

from typing import Protocol


class Trace:
    """Where a request stands in its trace (W3C Trace Context).

    Ids are lower-case hex: 32 digits for a trace, 16 for a span.
    """

    __slots__ = ("parent_id", "span_id", "trace_id", "tracestate")

    def __init__(self, trace_id: str, span_id: str, parent_id: str, tracestate: str) -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.parent_id = parent_id
        self.tracestate = tracestate


class Attempt:
    """One call of one backend."""

    __slots__ = (
        "credential",
        "ended",
        "error",
        "first_byte",
        "span_id",
        "started",
        "status",
        "upstream_name",
    )

    def __init__(self, credential: str, upstream_name: str, started: float) -> None:
        self.credential = credential
        self.upstream_name = upstream_name
        self.started = started
        self.first_byte = 0.0
        """When the header of the answer was there; 0.0 if it never came."""
        self.ended = 0.0
        self.status = 0
        """The provider's status; 0 if there was none."""
        self.error: str | None = None
        """`UpstreamError.kind`, or None."""
        self.span_id = ""
        """Set when the request is traced."""

    @property
    def outcome(self) -> str:
        """Why there is no good answer: `error`, `cancelled` without any, or empty."""
        if self.error is None and self.status == 0:
            return "cancelled"
        return self.error or ""


class Record:
    """One request, from its last byte in to its last byte out."""

    __slots__ = (
        "attempts",
        "cached_tokens",
        "ended",
        "error",
        "first_byte",
        "input_tokens",
        "method",
        "model",
        "operation",
        "output_tokens",
        "path",
        "principal",
        "reasoning_tokens",
        "request_id",
        "started",
        "status",
        "stream",
        "trace",
    )

    def __init__(self, path: str, operation: str, request_id: str, started: float) -> None:
        self.method = "POST"
        self.path = path
        self.operation = operation
        """The OpenTelemetry `gen_ai.operation.name`: chat, text_completion, embeddings."""
        self.request_id = request_id
        self.started = started
        self.trace: Trace | None = None
        """None unless the request is traced."""
        self.principal = ""
        self.model = ""
        """The model's public name; empty unless the catalog has it."""
        self.stream = False
        self.status = 0
        """What the client got; 499 when it went away first."""
        self.error: str | None = None
        """The `code` or `type` of the error the client got, or None."""
        self.first_byte = 0.0
        """When the first byte of the answer was sent; 0.0 if none was."""
        self.ended = 0.0
        self.attempts: list[Attempt] = []
        self.input_tokens = 0
        self.output_tokens = 0
        self.cached_tokens = 0
        self.reasoning_tokens = 0

    @property
    def last(self) -> Attempt | None:
        """The attempt that decided the answer; None when no backend was asked."""
        return self.attempts[-1] if self.attempts else None

    @property
    def overhead(self) -> float:
        """Seconds that the router itself took: before the first attempt and after the last.

        What lies between attempts is not counted: most of it is the back-off of a retry.
        """
        if not self.attempts:
            return self.ended - self.started
        return (self.attempts[0].started - self.started) + (self.ended - self.attempts[-1].ended)


class Consumer(Protocol):
    """Makes something of a batch of records."""

    def consume(self, records: list[Record]) -> None: ...
