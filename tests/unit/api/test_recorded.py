"""Every request is counted and logged, whatever door it came by and whatever became of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from airouter.telemetry.record import RequestRecord
from support.config import MASTER_KEY, mock_manifest
from support.in_loop import Served, served
from support.mock_sessions import dial, heard

CHAT = "/v1/chat/completions"
BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


class Log:
    """A consumer that keeps what it gets."""

    def __init__(self) -> None:
        self.records: list[RequestRecord] = []

    def consume(self, records: list[RequestRecord]) -> None:
        self.records += records


@pytest.fixture
async def router() -> AsyncIterator[Served]:
    async with served(mock_manifest("m"), max_body_bytes=400_000) as router:
        yield router


@pytest.fixture
def log(router: Served) -> Log:
    log = Log()
    router.router.recorder._consumers += (log,)
    return log


def only(router: Served, log: Log) -> RequestRecord:
    """The one record of all that was asked."""
    router.router.recorder.flush()
    (record,) = log.records
    return record


async def raw(router: Served, *lines: str) -> bytes:
    """The answer to bytes that no client would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", router.port)
    try:
        writer.write("\r\n".join((*lines, "", "")).encode())
        async with asyncio.timeout(60):
            return await reader.readline()
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/v1/modles", 404, "unknown_url"),
        ("GET", CHAT, 405, "method_not_allowed"),
        ("GET", "/v1/models", 200, None),
        ("GET", "/v1/models/none", 404, "model_not_found"),
        ("GET", "/docs", 200, None),
        ("GET", "/openapi.json", 200, None),
        ("GET", "/v1/responses/resp_none", 404, None),
    ],
)
async def test_a_request_to_no_model_has_its_line(
    router: Served, log: Log, method: str, path: str, status: int, error: str | None
) -> None:
    answer = await router.client.request(method, path)
    record = only(router, log)
    assert (answer.status_code, record.status) == (status, status)
    assert (record.method, record.path) == (method, path)
    assert record.request_id == answer.headers["x-request-id"]
    assert record.operation == record.model == ""
    if error is not None:
        assert record.error == error
    assert record.ended >= record.first_byte >= record.started > 0


async def test_its_line_has_its_client(router: Served, log: Log) -> None:
    await router.client.get("/v1/models")
    assert only(router, log).principal == "master"


async def test_a_wrong_key_has_its_line(router: Served, log: Log) -> None:
    await router.client.get("/v1/models", headers={"authorization": "Bearer wrong"})
    record = only(router, log)
    assert (record.status, record.principal) == (401, "")


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, {"pad": "x" * 500_000}, 413),
        ({"content-encoding": "rot13"}, {}, 415),
        ({}, {"model": "other"}, 404),
        ({"authorization": "Bearer wrong"}, {}, 401),
        ({}, {}, 200),
    ],
)
async def test_a_request_to_a_model_has_one_line_whatever_becomes_of_it(
    router: Served, log: Log, headers: dict[str, str], body: dict[str, str], status: int
) -> None:
    answer = await router.client.post(CHAT, headers=headers, json=BODY | body)
    record = only(router, log)
    assert (answer.status_code, record.status, record.path) == (status, status, CHAT)
    assert record.operation == "chat"


async def test_a_chunked_request_has_one_line(router: Served, log: Log) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"model":"m",'
        yield b'"messages":[]}'

    await router.client.post(CHAT, content=pieces())
    assert only(router, log).operation == "chat"


@pytest.mark.parametrize(
    ("lines", "status", "error"),
    [
        (("no HTTP",), 400, "invalid_http"),
        (("GET / HTTP/1.1", "x: " + "y" * 70_000), 431, "headers_too_large"),
    ],
)
async def test_what_never_became_a_request_has_its_line(
    router: Served, log: Log, lines: tuple[str, ...], status: int, error: str
) -> None:
    assert str(status).encode() in await raw(router, *lines)
    record = only(router, log)
    assert (record.status, record.error) == (status, error)


@pytest.mark.parametrize(
    ("path", "key", "status"), [("/v1/responses", "wrong", 401), ("/v1/nothing", MASTER_KEY, 404)]
)
async def test_a_refused_handshake_has_its_line(
    router: Served, log: Log, path: str, key: str, status: int
) -> None:
    answer = await raw(
        router,
        f"GET {path} HTTP/1.1",
        "host: x",
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        f"authorization: Bearer {key}",
    )
    assert str(status).encode() in answer
    record = only(router, log)
    assert (record.status, record.path, record.session) == (status, path, True)


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("no JSON", "invalid_json"),
        ("no JSON " * 40_000, "invalid_json"),
        ('{"type": "response.delete"}', "invalid_value"),
        ('{"type": "response.create", "stream_id": 5}', "invalid_stream_id"),
    ],
    ids=["no JSON", "large", "another type", "a wrong lane"],
)
async def test_a_message_of_a_session_that_is_no_request_has_its_line(
    log: Log, router: Served, message: str, error: str
) -> None:
    async with dial(router) as connection:
        await connection.send(message)
        told = await heard(connection)
    record = only(router, log)
    assert (record.status, record.error, told["error"]["code"]) == (400, error, error)
    assert (record.method, record.path, record.session) == ("GET", "/v1/responses", True)


@pytest.mark.parametrize("path", ["/health", "/vhealth", "/metrics"])
async def test_probes_have_none(router: Served, log: Log, path: str) -> None:
    await router.client.get(path)
    router.router.recorder.flush()
    assert log.records == []


async def test_they_are_all_counted(router: Served) -> None:
    await router.client.get("/v1/modles")
    await router.client.post(CHAT, json=BODY)
    page: httpx.Response = await router.client.get("/metrics")
    found = [
        (sample.labels["status"], sample.labels["operation"])
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
        if sample.name == "airouter_requests_total"
    ]
    assert sorted(found) == [("200", "chat"), ("404", "")]
