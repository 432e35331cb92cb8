"""Records as the pipeline leaves them."""

from __future__ import annotations

from airouter.config.snapshot import Price
from airouter.costs import price_list
from airouter.dialects.conversation import Usage
from airouter.telemetry.record import Attempt, RequestRecord, Trace

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SPAN_ID = "b7ad6b7169203331"
ATTEMPT_ID = "00f067aa0ba902b7"
PARENT_ID = "53995c3f42cd8ad8"


def an_attempt(
    credential: str = "openai-main", status: int = 200, started: float = 100.01
) -> Attempt:
    """Half a second long, its first byte after 0.1 s."""
    attempt = Attempt(credential, "gpt-4o-2024-11-20", started)
    attempt.first_byte = started + 0.1 if status else 0.0
    attempt.ended = started + 0.5
    attempt.status = status
    attempt.span_id = ATTEMPT_ID
    return attempt


def a_record(*attempts: Attempt, status: int = 200, stream: bool = False) -> RequestRecord:
    """A chat completion that took from second 100 to a hundredth after its last attempt."""
    record = RequestRecord("/v1/chat/completions", "chat", "req_1", 100.0)
    record.model = "gpt-4o"
    record.principal = "team-a"
    record.status = status
    record.stream = stream
    record.attempts = list(attempts)
    record.ended = (attempts[-1].ended if attempts else 100.0) + 0.01
    record.first_byte = record.ended - 0.005
    return record


def an_answered_record(*, stream: bool = False) -> RequestRecord:
    """One attempt, and usage."""
    record = a_record(an_attempt(), stream=stream)
    record.note_usage(Usage(input_tokens=12, output_tokens=340))
    return record


def a_traced_record(parent_id: str = "", tracestate: str = "") -> RequestRecord:
    """An answered one that is part of a trace."""
    record = an_answered_record()
    record.trace = Trace(TRACE_ID, SPAN_ID, parent_id, tracestate)
    return record


GPT_4O = price_list("declared-1", Price(input="2.50", cached_input="1.25", output="10"))


def a_paid_record() -> RequestRecord:
    """1,000 tokens in, 200 of them cached, and 100 out: 3.25 thousandths of a dollar.

    800 at 2.5 millionths are 0.002, 200 at 1.25 are 0.00025, 100 at 10 are 0.001.
    """
    record = a_traced_record()
    record.attempts[0].price = GPT_4O
    record.note_usage(Usage(input_tokens=1_000, cached_tokens=200, output_tokens=100))
    return record
