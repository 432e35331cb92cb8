"""Apps in a browser: what a page of another site may ask, at every door."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from support.config import MOCK, manifest
from support.in_loop import Served, served

PAGE = "https://chat.example.com"
ASKS = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
DOORS = ["/v1/chat/completions", "/v1/chat/completions?a=b", "/v1/v1/chat/completions"]


def open_to(**cors: object) -> str:
    models = [{"name": "m", "backends": [{"credential": MOCK["name"]}]}]
    return manifest([MOCK], models, http={"cors": cors} if cors else {})


@pytest.fixture
async def router() -> AsyncIterator[Served]:
    async with served(open_to(origins=[PAGE])) as router:
        yield router


@pytest.mark.parametrize("path", [*DOORS, "/v1/models"])
async def test_a_preflight_is_answered_without_a_key(router: Served, path: str) -> None:
    del router.client.headers["authorization"]
    answer = await router.client.options(path, headers={"origin": PAGE, **ASKS})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-headers"] == "authorization"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-max-age"] == "600"
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_page_may_read_an_answer_and_an_error(
    router: Served, path: str, stream: bool
) -> None:
    for model, status in (("m", 200), ("nobody", 404)):
        body = {**CHAT, "model": model, "stream": stream}
        answer = await router.client.post(path, json=body, headers={"origin": PAGE})
        assert answer.status_code == status
        assert answer.headers.get_list("access-control-allow-origin") == [PAGE]


@pytest.mark.parametrize("path", [*DOORS, "/v1/nothing"])
async def test_a_page_may_read_why_its_key_is_refused(router: Served, path: str) -> None:
    headers = {"origin": PAGE, "authorization": "Bearer nobody"}
    answer = await router.client.post(path, json=CHAT, headers=headers)
    assert answer.status_code in {401, 404}
    assert answer.headers["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize("path", DOORS)
async def test_a_page_of_another_site_may_read_nothing(router: Served, path: str) -> None:
    headers = {"origin": "https://evil.example.com"}
    preflight = await router.client.options(path, headers={**headers, **ASKS})
    answer = await router.client.post(path, json=CHAT, headers=headers)
    assert preflight.status_code == 405
    assert "access-control-allow-origin" not in preflight.headers
    assert "access-control-allow-origin" not in answer.headers


async def test_no_page_may_ask_unless_that_is_declared_and_a_reload_declares_it(
    router: Served,
) -> None:
    headers = {"origin": PAGE, **ASKS}
    router.offer(open_to())
    closed = await router.client.options(DOORS[0], headers=headers)
    assert (closed.status_code, closed.headers.get("vary")) == (405, None)
    router.offer(open_to(origins=["*"], headers=["x-mine"], maxAge="1m"))
    opened = await router.client.options(DOORS[0], headers=headers)
    assert opened.headers["access-control-allow-origin"] == "*"
    assert opened.headers["access-control-allow-headers"] == "x-mine"
    assert opened.headers["access-control-max-age"] == "60"
