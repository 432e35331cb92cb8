"""Collectors of traces on 127.0.0.1, over HTTP and over gRPC, that keep what they get."""

from __future__ import annotations

import gzip
import threading
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as service
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.proto.resource.v1.resource_pb2 import Resource
    from opentelemetry.proto.trace.v1.trace_pb2 import Span


OTHERS = ("/v1/metrics", "/v1/logs")


@dataclass
class Sink:
    """What arrived."""

    endpoint: str = ""
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: dict[str, list[bytes]] = field(default_factory=dict)
    """By path, over HTTP."""
    statuses: list[int] = field(default_factory=list)
    """What to answer next, over HTTP; 200 when there is nothing left."""

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def resource(self) -> Resource:
        return self.requests[0].resource_spans[0].resource


@contextmanager
def http_sink() -> Iterator[Sink]:
    """A collector that speaks OTLP over HTTP."""
    sink = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            status = sink.statuses.pop(0) if sink.statuses else 200
            if status == 200:
                sink.bodies.setdefault(self.path, []).append(body)
                if self.path not in OTHERS:
                    sink.requests.append(ExportTraceServiceRequest.FromString(body))
                sink.headers.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        sink.endpoint = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield sink
        server.shutdown()
        thread.join(5)


@contextmanager
def grpc_sink() -> Iterator[Sink]:
    """A collector that speaks OTLP over gRPC."""
    sink = Sink()

    class Servicer(service.TraceServiceServicer):
        def Export(  # noqa: N802 - the protocol's name
            self, request: ExportTraceServiceRequest, context: grpc.ServicerContext
        ) -> ExportTraceServiceResponse:
            sink.requests.append(request)
            sink.headers.append({str(k): str(v) for k, v in context.invocation_metadata()})
            return ExportTraceServiceResponse()

    server = grpc.server(futures.ThreadPoolExecutor(1))
    service.add_TraceServiceServicer_to_server(Servicer(), server)  # type: ignore[no-untyped-call]  # generated
    sink.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield sink
    server.stop(None).wait(5)
