"""A traced request: its answer on the way to the client, and what its trace tells in the end."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airouter.telemetry.genai.answered import AnswerTap, TracedExchange
from airouter.telemetry.genai.asked import asked_in
from airouter.telemetry.genai.content import LARGEST_ANSWER, captured
from airouter.telemetry.genai.redaction import ContentPath

if TYPE_CHECKING:
    from airouter.dialects.client_request import ClientRequest
    from airouter.request_context import RequestContext
    from airouter.telemetry.record import Trace

logger = logging.getLogger("airouter.pipeline")


def observe_answer(trace: Trace, context: RequestContext) -> None:
    """Have a traced answer go by a tap, too."""
    wanted = context.serving.snapshot.traces.capture_content
    trace.tap = AnswerTap(LARGEST_ANSWER if wanted else 0)
    context.exchange = TracedExchange(context.exchange, trace.tap)


def describe(trace: Trace, context: RequestContext) -> None:
    """Have a trace tell of a request that is over: what was asked, and what was said, if wanted."""
    request: ClientRequest | None = getattr(context, "request", None)
    if request is None:  # it was refused before it was read
        return
    trace.asked = asked_in(request.fields, context.exchange.headers)
    trace.answered_by = request.answered_by
    traces = context.serving.snapshot.traces
    if trace.tap is not None and traces.capture_content:
        said = trace.tap.take_content()
        redact = [ContentPath(path) for path in traces.redact]
        api, streamed = context.endpoint.api, context.record.stream
        try:
            trace.content = captured(api, request.body, said, redact, streamed=streamed)
        except Exception:  # the request itself is answered
            logger.exception("what was said is missing from a trace")
