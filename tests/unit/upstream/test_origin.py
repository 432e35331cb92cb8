"""Connections by TLS and through proxies, to real sockets on loopback."""

from __future__ import annotations

import base64

import pytest

from airouter.config.snapshot import TLS, Credential, Timeouts
from airouter.interfaces import ConnectError
from airouter.upstream.origin import Origin, Proxy, choose_proxy
from support.raw_upstream import raw_upstream
from unit.upstream.tls import BODY, CA_PEM, HEAD, ask, pool, pools, server_context, tunnel_proxy


async def test_a_provider_is_asked_over_tls_with_the_given_ca() -> None:
    async with raw_upstream(server_context()) as upstream:
        subject = pool(f"https://127.0.0.1:{upstream.port}/v1", TLS(ca_pem=CA_PEM))
        _, body = await ask(subject, upstream)
        assert body == b'{"ok":true}'


async def test_a_certificate_of_an_unknown_ca_is_refused() -> None:
    async with raw_upstream(server_context()) as upstream:
        subject = pool(f"https://127.0.0.1:{upstream.port}/v1")
        with pytest.raises(ConnectError, match="certificate"):
            await subject.send(b"/v1/x", HEAD, BODY)


async def test_a_certificate_of_another_name_is_refused_unless_that_name_is_meant() -> None:
    async with raw_upstream(server_context("models.internal")) as upstream:
        url = f"https://127.0.0.1:{upstream.port}/v1"
        with pytest.raises(ConnectError, match="certificate"):
            await pool(url, TLS(ca_pem=CA_PEM)).send(b"/v1/x", HEAD, BODY)
        named = pool(url, TLS(ca_pem=CA_PEM, server_name="models.internal"))
        _, body = await ask(named, upstream)
        assert body == b'{"ok":true}'


async def test_plain_http_goes_through_a_proxy_in_absolute_form() -> None:
    async with raw_upstream() as proxy:
        subject = pool(
            "http://models.test:8000/v1", http=f"http://me:p%40ss@127.0.0.1:{proxy.port}"
        )
        request, _ = await ask(subject, proxy)
        assert request.startswith(b"POST http://models.test:8000/v1/x HTTP/1.1\r\n")
        assert b"\r\nproxy-authorization: Basic " + base64.b64encode(b"me:p@ss") in request


async def test_tls_goes_through_a_tunnel() -> None:
    async with raw_upstream(server_context()) as upstream, tunnel_proxy() as (port, heads):
        url = f"https://127.0.0.1:{upstream.port}/v1"
        subject = pool(url, TLS(ca_pem=CA_PEM), https=f"http://me:word@127.0.0.1:{port}")
        request, _ = await ask(subject, upstream)
        assert heads[0].startswith(f"CONNECT 127.0.0.1:{upstream.port} HTTP/1.1\r\n".encode())
        assert b"proxy-authorization: Basic " + base64.b64encode(b"me:word") in heads[0]
        assert request.startswith(b"POST /v1/x HTTP/1.1\r\n")
        assert b"proxy-authorization" not in request


async def test_a_proxy_that_refuses_the_tunnel_is_a_connect_error() -> None:
    async with tunnel_proxy(status=407) as (port, _):
        subject = pool("https://models.test/v1", https=f"http://127.0.0.1:{port}")
        with pytest.raises(ConnectError, match="407"):
            await subject.send(b"/v1/x", HEAD, BODY)


async def test_a_connection_that_takes_too_long_is_a_connect_error() -> None:
    async with raw_upstream() as silent:  # it never shakes hands
        credential = Credential(
            name="c", type="OpenAI", tls=TLS(ca_pem=CA_PEM), timeouts=Timeouts(connect=0.05)
        )
        subject = pools().pool_for(credential, f"https://127.0.0.1:{silent.port}/v1")
        with pytest.raises(ConnectError, match=r"within 0\.05 s"):
            await subject.send(b"/v1/x", HEAD, BODY)


@pytest.mark.parametrize(
    ("proxies", "expected"),
    [
        ({}, None),
        ({"http": "http://p:3128"}, Proxy("p", 3128)),
        ({"all": "p:3128"}, Proxy("p", 3128)),
        ({"https": "http://p:3128"}, None),
        ({"http": "http://p", "no": "models.test"}, None),
        ({"http": "http://p", "no": ".test"}, None),
        ({"http": "http://p", "no": "*"}, None),
        ({"http": "http://p", "no": "other.test"}, Proxy("p", 80)),
    ],
)
def test_the_proxy_variables_are_read_as_everywhere(
    proxies: dict[str, str], expected: Proxy | None
) -> None:
    assert choose_proxy(Origin.of("http://models.test/v1"), proxies) == expected


@pytest.mark.parametrize("url", ["socks5://p:1080", "https://p:3128"])
def test_a_proxy_of_another_kind_is_said_to_be_one(url: str) -> None:
    with pytest.raises(ConnectError, match="not an http:// proxy"):
        choose_proxy(Origin.of("http://models.test/v1"), {"http": url})


def test_a_proxy_does_not_show_its_password() -> None:
    proxy = choose_proxy(Origin.of("http://m.test"), {"http": "http://me:secret@p:1"})
    assert "secret" not in repr(proxy)
    assert base64.b64encode(b"me:secret").decode() not in repr(proxy)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://api.openai.com/v1", "api.openai.com"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://[::1]:8000/v1", "[::1]:8000"),
        ("https://models.test:443/v1", "models.test"),
        ("http://models.test:443/v1", "models.test:443"),
    ],
)
def test_the_host_header_is_as_rfc_9110_has_it(url: str, authority: str) -> None:
    assert Origin.of(url).authority == authority


@pytest.mark.parametrize("url", ["ftp://x", "https://", "models.test"])
def test_what_is_no_http_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not an http"):
        Origin.of(url)
