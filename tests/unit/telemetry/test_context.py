"""What of a client's headers is believed, and what a provider is told."""

from __future__ import annotations

import pytest

from airouter.telemetry.context import carried, continued, parent_of
from airouter.telemetry.record import Trace
from support.records import ATTEMPT_ID, PARENT_ID, SPAN_ID, TRACE_ID

VALID = f"00-{TRACE_ID}-{PARENT_ID}-01".encode()

INVALID = [
    b"",
    b"00",
    VALID[:-1],
    VALID + b"-more",
    VALID + b" ",
    b" " + VALID,
    VALID.upper(),
    VALID.replace(b"-", b"_"),
    VALID.replace(b"00-", b"ff-", 1),
    VALID + b"\r\nx-evil: 1",
    VALID[:-2] + b"0\n",
    f"00-{'0' * 32}-{PARENT_ID}-01".encode(),
    f"00-{TRACE_ID}-{'0' * 16}-01".encode(),
    f"01-{TRACE_ID}-{PARENT_ID}-01-".encode() + b"x" * 201,
    f"01-{TRACE_ID}-{PARENT_ID}-01.".encode(),
]


@pytest.mark.parametrize(
    ("flags", "sampled"), [("01", True), ("00", False), ("03", True), ("02", False), ("0b", True)]
)
def test_a_client_says_whether_it_is_sampled(flags: str, sampled: bool) -> None:
    headers = {b"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-{flags}".encode()}
    assert parent_of(headers) == (TRACE_ID, PARENT_ID, sampled, "")


def test_a_version_to_come_may_say_more() -> None:
    headers = {b"traceparent": f"cc-{TRACE_ID}-{PARENT_ID}-01-what-else".encode()}
    assert parent_of(headers) == (TRACE_ID, PARENT_ID, True, "")


@pytest.mark.parametrize("header", INVALID)
def test_an_invalid_traceparent_is_ignored_and_not_passed_on(header: bytes) -> None:
    headers = {b"traceparent": header, b"tracestate": b"a=b"}
    assert parent_of(headers) is None
    assert carried(headers) == b""


def test_a_client_without_a_trace_has_no_parent() -> None:
    assert parent_of({b"tracestate": b"a=b"}) is None
    assert carried({b"tracestate": b"a=b"}) == b""


def test_the_state_of_a_vendor_comes_along() -> None:
    parent = parent_of({b"traceparent": VALID, b"tracestate": b"a=b,c=d"})
    assert parent is not None
    assert parent.tracestate == "a=b,c=d"


@pytest.mark.parametrize("state", [b"", b"x" * 513, b"a=b\r\nx-evil: 1", b"a=\xff", b"a=\x00"])
def test_a_state_that_is_too_long_or_not_printable_is_dropped(state: bytes) -> None:
    headers = {b"traceparent": VALID, b"tracestate": state}
    parent = parent_of(headers)
    assert parent is not None
    assert parent.tracestate == ""
    assert carried(headers) == b"traceparent: " + VALID + b"\r\n"


def test_the_headers_of_who_is_not_traced_are_passed_on_as_they_are() -> None:
    headers = {b"traceparent": VALID, b"tracestate": b"a=b"}
    assert carried(headers) == b"traceparent: " + VALID + b"\r\ntracestate: a=b\r\n"


def test_an_attempt_of_ours_becomes_the_parent() -> None:
    lines = continued(Trace(TRACE_ID, SPAN_ID, PARENT_ID, "a=b"), ATTEMPT_ID)
    expected = f"traceparent: 00-{TRACE_ID}-{ATTEMPT_ID}-01\r\ntracestate: a=b\r\n"
    assert lines.decode() == expected


def test_no_state_is_no_header() -> None:
    lines = continued(Trace(TRACE_ID, SPAN_ID, "", ""), ATTEMPT_ID)
    assert lines.decode() == f"traceparent: 00-{TRACE_ID}-{ATTEMPT_ID}-01\r\n"
