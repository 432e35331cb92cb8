"""The way of a request to the router, as its span tells it."""

from __future__ import annotations

import pytest

from airouter.api.asgi import AsgiExchange
from airouter.telemetry.http_details import http_details


def test_a_request_without_a_proxy_comes_from_its_client() -> None:
    headers = {b"host": b"router:8080", b"user-agent": b"curl/8"}
    details = http_details(AsgiExchange(headers, b"", ("10.0.0.1", 4711)))
    assert (details.scheme, details.server, details.port) == ("http", "router", 8080)
    assert (details.client, details.peer, details.peer_port) == ("10.0.0.1", "10.0.0.1", 4711)
    assert details.user_agent == "curl/8"


def test_a_proxy_tells_of_its_client() -> None:
    headers = {
        b"host": b"llm.example.com",
        b"x-forwarded-proto": b"https",
        b"x-forwarded-for": b"203.0.113.9, 10.0.0.1",
    }
    details = http_details(AsgiExchange(headers, b"", ("10.0.0.2", 1)))
    assert (details.scheme, details.port) == ("https", 443)
    assert (details.client, details.peer) == ("203.0.113.9", "10.0.0.2")


@pytest.mark.parametrize("host", [b"", b"[::1", b"a:b", b"a:99999999"])
def test_a_host_that_is_none_is_left_out(host: bytes) -> None:
    details = http_details(AsgiExchange({b"host": host}, b""))
    assert (details.server, details.port, details.peer) == (None, None, None)


def test_a_long_header_is_cut() -> None:
    details = http_details(AsgiExchange({b"user-agent": b"x" * 9_000}, b""))
    assert details.user_agent == "x" * 256
