"""Stores that stop working in the middle: clear errors, no hang, and the rest goes on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.config import manifest
from support.in_loop import Served, served
from support.mock_router import MODEL
from support.mock_sessions import dial, last, say
from support.redis_server import PASSWORD, redis_server


def config(kind: str, url: str = "redis://127.0.0.1:1/0", **storage: Any) -> str:
    spec: dict[str, Any] = {
        "responses": {"storage": {"type": kind, **storage}},
        "redis": {"urlSecretRef": {"name": "keys", "key": "redis"}},
    }
    models = [{"name": MODEL, "backends": [{"credential": "mock"}]}]
    secrets = {"redis": url}
    return manifest([{"name": "mock", "type": "Mock"}], models, secrets=secrets, **spec)


async def ask(router: Served, **fields: Any) -> httpx.Response:
    body = {"model": MODEL, "input": "a", **fields}
    return await router.client.post("/v1/responses", json=body, timeout=60)


async def test_redis_stops_and_comes_back_in_the_middle_of_chains(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with redis_server(tmp_path) as server:
        text = config("Redis", server.url)
        async with served(text) as router, served(text) as replica:
            first = (await ask(router)).json()["id"]
            second = await ask(replica, previous_response_id=first)
            assert second.json()["usage"]["input_tokens"] == 3
            server.stop()
            started = time.monotonic()
            lost = await ask(router, previous_response_id=first)
            assert (lost.status_code, lost.json()["error"]["code"]) == (503, "store_unavailable")
            assert lost.headers["retry-after"]
            assert (await router.client.get(f"/v1/responses/{first}")).status_code == 503
            assert (await ask(router, background=True)).status_code == 503
            assert (await ask(router)).status_code == 200
            assert (await ask(router, store=False)).status_code == 200
            assert time.monotonic() - started < 60
            server.start()
            third = (await ask(router)).json()["id"]
            assert (await ask(replica, previous_response_id=third)).status_code == 200
            gone = await ask(router, previous_response_id=first)
            assert gone.json()["error"]["code"] == "previous_response_not_found"
    assert PASSWORD not in caplog.text
    assert "the store of responses" in caplog.text


async def test_sqlite_that_cannot_be_written_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "kept.sqlite"
    async with served(config("SQLite"), sqlite_path=path) as router:
        assert (await ask(router)).status_code == 200
        lost = await ask(router, previous_response_id="resp_x")
        assert (lost.status_code, lost.json()["error"]["code"]) == (503, "store_unavailable")
        path.parent.mkdir()
        kept = (await ask(router)).json()["id"]
        assert (await ask(router, previous_response_id=kept)).status_code == 200


async def test_a_session_stores_anew_what_could_not_be_stored(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "kept.sqlite"
    async with served(config("SQLite"), sqlite_path=path) as router, dial(router) as connection:
        await say(connection, input="a")
        lost = (await last(connection))["response"]["id"]
        path.parent.mkdir()
        await say(connection, input="b", previous_response_id=lost)
        kept = (await last(connection))["response"]["id"]
        assert (await ask(router, previous_response_id=lost)).status_code == 400
        again = await ask(router, previous_response_id=kept)
        assert again.json()["usage"]["input_tokens"] == 5


async def test_sqlite_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"
    async with served(config("SQLite"), sqlite_path=path) as router:
        kept = (await ask(router)).json()["id"]
    async with served(config("SQLite"), sqlite_path=path) as router:
        assert (await router.client.get(f"/v1/responses/{kept}")).json()["id"] == kept


async def test_a_store_over_its_bound_forgets_the_oldest(tmp_path: Path) -> None:
    async with served(config("Memory", maxEntries=2)) as router:
        ids = [(await ask(router)).json()["id"] for _ in range(3)]
        found = [(await router.client.get(f"/v1/responses/{id_}")).status_code for id_ in ids]
    assert found == [404, 200, 200]


async def test_without_a_store_chains_are_refused_and_answers_are_not() -> None:
    async with served(config("None")) as router:
        kept = (await ask(router)).json()["id"]
        lost = await ask(router, previous_response_id=kept)
        assert lost.json()["error"]["code"] == "previous_response_not_found"
        assert (await ask(router, background=True)).json()["error"]["param"] == "background"
        talk = await router.client.post("/v1/conversations", json={})
        assert talk.json()["error"]["code"] == "storage_disabled"


async def test_a_reload_keeps_what_is_stored_unless_the_store_is_another() -> None:
    async with served(config("Memory")) as router:
        kept = (await ask(router)).json()["id"]
        router.offer(config("Memory").replace("sk-test-master", "sk-test-master"))
        assert (await ask(router, previous_response_id=kept)).status_code == 200
        router.offer(config("None"))
        assert (await ask(router, previous_response_id=kept)).status_code == 400


@pytest.mark.parametrize("kind", ["Memory", "SQLite"])
async def test_other_bounds_of_a_store_change_neither_its_content_nor_what_is_under_way(
    kind: str, tmp_path: Path
) -> None:
    slow = '"type": "Mock", "mock": {"tokensPerSecond": 50}'
    first, second = (config(kind, ttl=ttl).replace('"type": "Mock"', slow) for ttl in ("1h", "2h"))
    async with served(first, sqlite_path=tmp_path / "kept.sqlite") as router:
        kept = (await ask(router)).json()["id"]
        made = (await ask(router, input="a b c d e f g h i j", background=True)).json()
        body = {"model": MODEL, "input": "a b c d e f", "stream": True}
        async with router.client.stream("POST", "/v1/responses", json=body) as under_way:
            lines = under_way.aiter_lines()
            await anext(lines)
            assert router.offer(second)
            assert any([line == "event: response.completed" async for line in lines])
        assert (await ask(router, previous_response_id=kept)).status_code == 200
        while made["status"] in ("queued", "in_progress"):
            made = (await router.client.get(f"/v1/responses/{made['id']}")).json()
        assert made["status"] == "completed"


async def test_a_response_under_way_reaches_its_client_although_its_store_is_gone(
    tmp_path: Path,
) -> None:
    slow = '"type": "Mock", "mock": {"tokensPerSecond": 50}'
    text = config("SQLite").replace('"type": "Mock"', slow)
    async with served(text, sqlite_path=tmp_path / "kept.sqlite") as router:
        body = {"model": MODEL, "input": "a b c d e f", "stream": True}
        async with router.client.stream("POST", "/v1/responses", json=body) as under_way:
            lines = under_way.aiter_lines()
            await anext(lines)
            assert router.offer(config("Memory"))
            assert any([line == "event: response.completed" async for line in lines])


async def test_a_chain_of_two_hundred_turns_costs_no_more_than_its_input() -> None:
    async with served(config("Memory")) as router:
        previous = None
        for turn in range(200):
            answer = (await ask(router, previous_response_id=previous)).json()
            previous = answer["id"]
            assert answer["usage"]["input_tokens"] == 2 * turn + 1
