"""Trace headers by OTEL_PROPAGATORS: from a client, and to a provider."""

from __future__ import annotations

import pytest

from airouter.telemetry.propagation import NoPropagation, W3CPropagation, propagation_from
from airouter.telemetry.record import Trace
from support.records import PARENT_ID, SPAN_ID, TRACE_ID

TRACE = Trace(TRACE_ID, SPAN_ID, PARENT_ID, "")
W3C = {b"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01".encode()}
SINGLE = {b"b3": f"{TRACE_ID}-{PARENT_ID}-1".encode()}
MULTI = {
    b"x-b3-traceid": TRACE_ID.encode(),
    b"x-b3-spanid": PARENT_ID.encode(),
    b"x-b3-sampled": b"0",
}


def propagators(names: str) -> dict[str, str]:
    return {"OTEL_PROPAGATORS": names}


@pytest.mark.parametrize("names", ["", " ", "tracecontext", "tracecontext,baggage"])
def test_w3c_alone_needs_no_library(names: str) -> None:
    assert isinstance(propagation_from(propagators(names)), W3CPropagation)


def test_none_reads_and_writes_nothing() -> None:
    propagation = propagation_from(propagators("none"))
    assert propagation.parent_of(W3C) is None
    assert propagation.carried(W3C) == b""
    assert propagation.continued(TRACE, SPAN_ID) == b""


@pytest.mark.parametrize("names", ["b3", "b3multi"])
@pytest.mark.parametrize(("headers", "sampled"), [(SINGLE, True), (MULTI, False)])
def test_both_forms_of_b3_are_read_by_either(
    names: str, headers: dict[bytes, bytes], sampled: bool
) -> None:
    parent = propagation_from(propagators(names)).parent_of(headers)
    assert parent is not None
    assert (parent.trace_id, parent.span_id, parent.sampled) == (TRACE_ID, PARENT_ID, sampled)


def test_b3_goes_to_the_provider_in_one_header() -> None:
    lines = propagation_from(propagators("b3")).continued(TRACE, SPAN_ID)
    assert lines == f"b3: {TRACE_ID}-{SPAN_ID}-1\r\n".encode()


def test_b3multi_goes_to_the_provider_in_three() -> None:
    lines = propagation_from(propagators("b3multi")).continued(TRACE, SPAN_ID)
    assert sorted(lines.split(b"\r\n")) == [
        b"",
        b"x-b3-sampled: 1",
        f"x-b3-spanid: {SPAN_ID}".encode(),
        f"x-b3-traceid: {TRACE_ID}".encode(),
    ]


def test_several_forms_are_all_written() -> None:
    lines = propagation_from(propagators("tracecontext, b3")).continued(TRACE, SPAN_ID)
    assert f"traceparent: 00-{TRACE_ID}-{SPAN_ID}-01\r\n".encode() in lines
    assert f"b3: {TRACE_ID}-{SPAN_ID}-1\r\n".encode() in lines


def test_an_untraced_request_keeps_the_headers_of_its_client() -> None:
    propagation = propagation_from(propagators("b3"))
    assert propagation.carried(MULTI | W3C | {b"authorization": b"secret"}) == (
        b"x-b3-sampled: 0\r\n"
        + f"x-b3-spanid: {PARENT_ID}\r\nx-b3-traceid: {TRACE_ID}\r\n".encode()
    )


@pytest.mark.parametrize("value", [b"1", b"x" * 600, b"\xff", f"{TRACE_ID}-0-1".encode()])
def test_a_header_that_names_no_span_goes_no_further(value: bytes) -> None:
    propagation = propagation_from(propagators("b3"))
    assert propagation.parent_of({b"b3": value}) is None
    assert propagation.carried({b"b3": value}) == b""


def test_a_form_that_is_not_there_is_named(caplog: pytest.LogCaptureFixture) -> None:
    assert isinstance(propagation_from(propagators("unheard-of")), NoPropagation)
    assert caplog.messages == ["OTEL_PROPAGATORS=unheard-of is not supported"]
