"""Conversations that stay with a backend, through a whole router."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest

from airouter.config.findings import Compiled
from support.config import manifest
from support.in_loop import Served, compiled, served
from support.keyed_provider import keyed_provider

NAMES = ("a", "b", "c", "d")
TURNS = 12
HELLO = {"role": "user", "content": "Hello!"}


def a_manifest(**spec: Any) -> str:
    """Model `m` at four backends of one tier."""
    credentials = [{"name": name, "type": "Mock"} for name in NAMES]
    backends = [{"credential": name} for name in NAMES]
    return manifest(credentials, [{"name": "m", "backends": backends}], **spec)


STAYING = a_manifest(sessions={"stickiness": {}})


async def asked(router: Served, path: str, **body: Any) -> set[str]:
    """The backends of several requests."""
    headers = body.pop("headers", {})
    found = set()
    for _ in range(TURNS):
        answer = await router.client.post(path, json={"model": "m", **body}, headers=headers)
        assert answer.status_code == 200, answer.text
        found.add(answer.headers["x-airouter-backend"])
    return found


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"messages": [HELLO]}),
        ("/v1/messages", {"messages": [HELLO], "max_tokens": 9}),
        ("/v1/responses", {"input": "Hello!"}),
    ],
)
async def test_a_conversation_has_one_backend(path: str, body: dict[str, Any]) -> None:
    async with served(STAYING) as router:
        assert len(await asked(router, path, **body)) == 1


async def test_conversations_are_spread_over_the_backends() -> None:
    async with served(STAYING) as router:
        homes = set()
        for number in range(32):
            answer = await router.chat(prompt_cache_key=f"p{number}")
            homes.add(answer.headers["x-airouter-backend"])
        assert homes == {f"{name}/m" for name in NAMES}


async def test_a_header_names_a_conversation() -> None:
    async with served(STAYING) as router:
        named = {"headers": {"x-session-id": "s-1"}}
        first = await asked(router, "/v1/chat/completions", messages=[HELLO], **named)
        other = {"role": "user", "content": "Something else."}
        assert first == await asked(router, "/v1/chat/completions", messages=[other], **named)
        assert len(first) == 1


@pytest.mark.parametrize(
    ("ttl", "stays"), [("10m", True), ("0s", False)], ids=["for ten minutes", "for no time"]
)
async def test_a_conversation_whose_backend_was_banned_stays_where_it_went(
    ttl: str, stays: bool
) -> None:
    async with served(a_manifest(sessions={"stickiness": {"ttl": ttl}})) as router:
        (home,) = await asked(router, "/v1/chat/completions", messages=[HELLO])
        credential = home.partition("/")[0]
        await router.client.post(f"/admin/bans/{credential}")
        (refuge,) = await asked(router, "/v1/chat/completions", messages=[HELLO])
        assert refuge != home
        await router.client.delete(f"/admin/bans/{credential}")
        after = refuge if stays else home
        assert await asked(router, "/v1/chat/completions", messages=[HELLO]) == {after}
        await router.client.post(f"/admin/bans/{after.partition('/')[0]}")
        (last,) = await asked(router, "/v1/chat/completions", messages=[HELLO])
        assert last != after, "a ban goes before the cache"


@pytest.mark.parametrize(
    "sessions", [{}, {"stickiness": {"enabled": False}}], ids=["absent", "switched off"]
)
async def test_conversations_stay_only_where_they_are_to(sessions: dict[str, Any]) -> None:
    async with served(a_manifest(sessions=sessions)) as router:
        assert len(await asked(router, "/v1/chat/completions", messages=[HELLO])) > 1


async def test_what_is_no_conversation_is_spread() -> None:
    async with served(STAYING) as router:
        assert len(await asked(router, "/v1/embeddings", input="Hello!", user="u")) > 1


async def test_a_conversation_of_stored_responses_has_one_backend() -> None:
    async with served(STAYING) as router:
        homes, previous = set(), None
        for _ in range(TURNS):
            body = {"model": "m", "input": "Go on.", "previous_response_id": previous}
            answer = await router.client.post("/v1/responses", json=body)
            assert answer.status_code == 200, answer.text
            homes.add(answer.headers["x-airouter-backend"])
            previous = answer.json()["id"]
        assert len(homes) == 1


async def test_a_conversation_has_one_pod_of_a_service_and_conversations_are_spread() -> None:
    async with contextlib.AsyncExitStack() as stack:
        pods = [await stack.enter_async_context(keyed_provider("sk-pods")) for _ in range(4)]
        vllm = {
            "name": "vllm",
            "type": "OpenAICompatible",
            "baseURL": "http://vllm.ai.svc/v1",
            "secretRef": {"name": "keys", "key": "pods"},
        }
        models = [{"name": "m", "backends": [{"credential": "vllm"}]}]
        sessions: dict[str, object] = {"stickiness": {}}
        found = compiled(
            manifest([vllm], models, secrets={"pods": "sk-pods"}, sessions=sessions)
        ).snapshot
        assert found is not None
        addresses = tuple(f"127.0.0.1:{pod.port}" for pod in pods)
        credential = msgspec.structs.replace(found.credentials[0], addresses=addresses)
        snapshot = msgspec.structs.replace(found, credentials=(credential,)).seal()
        router = await stack.enter_async_context(served(None))
        assert router.router.store.offer(Compiled(snapshot, ()), "operator")
        await asked(router, "/v1/chat/completions", messages=[HELLO])
        assert sorted(pod.asked for pod in pods) == [0, 0, 0, TURNS]
        for number in range(32):
            await router.chat(prompt_cache_key=f"p{number}")
        assert all(pod.asked for pod in pods)
