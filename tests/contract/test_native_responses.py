"""Responses of a provider that keeps them itself: chains, what is kept, other accounts, tenants."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError, NotFoundError
from starlette.requests import ClientDisconnect
from starlette.types import Message

from airouter.upstream.pool import Pool
from contract.services.anthropic.service import AnthropicService, anthropic_service
from contract.services.openai.responses import KEY, MODEL, ResponsesService
from contract.services.stand_in import Call, Cut, Turn
from support.config import MASTER_KEY, manifest
from support.in_loop import Served, served
from support.sdks import openai_sdk

SONNET = "claude-sonnet-4-5-20250929"
SEALING = {"responses": {"sealing": {"keys": [{"secretRef": {"name": "keys", "key": "seal"}}]}}}


def config(*services: ResponsesService, claude: AnthropicService | None = None) -> str:
    credentials: list[dict[str, Any]] = [
        {
            "name": f"openai-{number}",
            "type": "OpenAI",
            "baseURL": service.base_url,
            "secretRef": {"name": "keys", "key": "openai"},
        }
        for number, service in enumerate(services)
    ]
    backends = [{"credential": each["name"], "upstreamName": MODEL} for each in credentials]
    models: list[dict[str, Any]] = [{"name": "gpt", "backends": backends}]
    if claude is not None:
        credentials.append(
            {
                "name": "claude",
                "type": "Anthropic",
                "baseURL": claude.url,
                "secretRef": {"name": "keys", "key": "claude"},
            }
        )
        models.append(
            {"name": "claude", "backends": [{"credential": "claude", "upstreamName": SONNET}]}
        )
    secrets = {
        "openai": KEY,
        "seal": "a-key-of-some-length",
        "b": "sk-tenant-b",
        "claude": claude.key if claude else "none",
    }
    text = manifest(credentials, models, secrets=secrets, **SEALING)
    clients = [{"name": "b", "secretRef": {"name": "keys", "key": "b"}, "models": ["*"]}]
    return text.replace('"masterKey"', f'"clients": {json.dumps(clients)}, "masterKey"', 1)


@contextlib.asynccontextmanager
async def sdk_of(router: Served, key: str = MASTER_KEY) -> AsyncIterator[AsyncOpenAI]:
    url = f"http://127.0.0.1:{router.port}/v1"
    async with openai_sdk(url, key) as sdk:
        yield sdk


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_chain_stays_with_the_account_that_keeps_it(streamed: bool) -> None:
    async with (
        ResponsesService().listening() as one,
        ResponsesService().listening() as two,
        served(config(one, two)) as router,
        sdk_of(router) as sdk,
    ):
        for _ in range(6):
            previous = None
            for _turn in range(3):
                body: Any = {"model": "gpt", "input": "Hi", "previous_response_id": previous}
                if streamed:
                    async for event in await sdk.responses.create(**body, stream=True):
                        last: Any = event
                    response = last.response
                else:
                    response = await sdk.responses.create(**body)
                assert response.previous_response_id == previous
                previous = response.id
        assert len(one.kept) + len(two.kept) == 18


async def test_another_replica_knows_where_a_chain_is_kept() -> None:
    async with (
        ResponsesService().listening() as one,
        ResponsesService().listening() as two,
        served(config(one, two)) as router,
        served(config(one, two)) as replica,
        sdk_of(router) as sdk,
        sdk_of(replica) as other,
    ):
        made = await sdk.responses.create(model="gpt", input="Hi")
        again = await other.responses.create(
            model="gpt", input="Go on", previous_response_id=made.id
        )
        assert again.previous_response_id == made.id
        found = await other.responses.retrieve(made.id)
        assert (found.id, found.output_text) == (made.id, made.output_text)
        items = await other.responses.input_items.list(made.id)
        assert items.data
        await other.responses.delete(made.id)
        with pytest.raises(NotFoundError) as caught:
            await sdk.responses.retrieve(made.id)
        assert made.id in caught.value.message
        for service in (one, two):
            service.refused.clear()


async def test_what_the_provider_does_in_the_background_is_asked_of_it() -> None:
    async with (
        ResponsesService().listening() as one,
        served(config(one)) as router,
        sdk_of(router) as sdk,
    ):
        one.turns.append(Turn(text="All of it."))
        made = await sdk.responses.create(model="gpt", input="Hi", background=True)
        assert made.status == "queued"
        assert (await sdk.responses.retrieve(made.id)).output_text == "All of it."
        seen = [
            event.sequence_number
            async for event in await sdk.responses.retrieve(made.id, stream=True, starting_after=1)
        ]
        assert seen[0] == 2
        await sdk.responses.delete(made.id)
        with pytest.raises(NotFoundError):
            await sdk.responses.retrieve(made.id, stream=True)
        one.refused.clear()
        made = await sdk.responses.create(model="gpt", input="Hi", background=True)
        assert (await sdk.responses.cancel(made.id)).status == "cancelled"


async def test_a_replay_is_given_up_when_the_client_has_left_before_its_first_event() -> None:
    async with (
        ResponsesService().listening() as one,
        served(config(one)) as router,
        sdk_of(router) as sdk,
    ):
        one.turns.append(Turn(text="word " * 50_000))
        made = await sdk.responses.create(model="gpt", input="Hi", background=True)
        await sdk.responses.retrieve(made.id)
        serving = router.router.pipeline.serving
        assert serving is not None
        (pool,) = serving.pools
        assert isinstance(pool, Pool)

        async def send(message: Message) -> None:
            raise OSError("the client is gone")

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "path": f"/v1/responses/{made.id}",
            "raw_path": f"/v1/responses/{made.id}".encode(),
            "query_string": b"stream=true",
            "headers": [(b"authorization", f"Bearer {MASTER_KEY}".encode())],
        }
        with pytest.raises(ClientDisconnect):
            await router.router.application(scope, receive, send)
        async with asyncio.timeout(60):
            while pool.in_flight:
                await asyncio.sleep(0)


async def test_another_tenant_of_the_same_account_finds_nothing() -> None:
    async with (
        ResponsesService().listening() as one,
        served(config(one)) as router,
        sdk_of(router) as a,
        sdk_of(router, "sk-tenant-b") as b,
    ):
        made = await a.responses.create(model="gpt", input="secret")
        (theirs,) = one.kept
        for id_ in (made.id, theirs, made.id[:-2] + "AA"):
            for attempt in (
                b.responses.retrieve(id_),
                b.responses.delete(id_),
                b.responses.cancel(id_),
                b.responses.input_items.list(id_),
            ):
                with pytest.raises(NotFoundError):
                    await attempt
            with pytest.raises(BadRequestError) as caught:
                await b.responses.create(model="gpt", input="x", previous_response_id=id_)
            assert caught.value.code == "previous_response_not_found"
        assert len(one.journal) == 1


async def test_an_account_without_responses_is_not_asked_for_what_it_keeps() -> None:
    async with (
        ResponsesService().listening() as one,
        served(config(one)) as router,
        sdk_of(router) as sdk,
    ):
        made = await sdk.responses.create(model="gpt", input="Hi")
        assert router.offer(config(one).replace('"type": "OpenAI"', '"type": "OpenAICompatible"'))
        with pytest.raises(NotFoundError):
            await sdk.responses.retrieve(made.id)
        assert len(one.journal) == 1


async def test_compaction_and_counting_are_the_providers_own() -> None:
    async with (
        ResponsesService().listening() as one,
        served(config(one)) as router,
        sdk_of(router) as sdk,
    ):
        made = await sdk.responses.create(model="gpt", input="Hi")
        compacted = await sdk.responses.compact(
            model="gpt", input="More", previous_response_id=made.id
        )
        items: Any = [item.to_dict(warnings=False) for item in compacted.output]
        await sdk.responses.create(model="gpt", input=items)
        count = await sdk.responses.input_tokens.count(model="gpt", input="Hi")
        assert count.input_tokens == 42


async def test_a_session_goes_on_although_nothing_is_stored() -> None:
    async with (
        ResponsesService().listening() as one,
        served(config(one)) as router,
        sdk_of(router) as sdk,
        sdk.responses.connect() as connection,
    ):
        previous, call = None, ""
        for turn in (Turn(calls=(Call("f", {}),)), Turn(text="Done."), Turn(text="Bye.")):
            one.turns.append(turn)
            given: Any = "Hi"
            if turn.text == "Done.":
                output = {"type": "function_call_output", "call_id": call, "output": "x"}
                given = [output]
            await connection.response.create(
                model="gpt", input=given, store=False, previous_response_id=previous
            )
            async for event in connection:
                assert event.type != "error", event
                if event.type == "response.completed":
                    previous = event.response.id
                    call = getattr(event.response.output[-1], "call_id", "")
                    break
        assert not one.kept
        assert len(one.asked["input"]) == 5


@pytest.mark.parametrize("store", [True, False])
async def test_a_session_goes_on_with_a_chain_that_its_provider_keeps(store: bool) -> None:
    async with (
        ResponsesService().listening() as one,
        served(config(one)) as router,
        sdk_of(router) as sdk,
        sdk.responses.connect() as connection,
    ):
        made = await sdk.responses.create(model="gpt", input="Hi")
        (theirs,) = one.kept
        previous = made.id
        for turn in range(3):
            await connection.response.create(
                model="gpt", input=f"turn {turn}", store=store, previous_response_id=previous
            )
            async for event in connection:
                assert event.type != "error", event
                if event.type == "response.completed":
                    assert event.response.previous_response_id == previous
                    previous = event.response.id
                    break
        assert one.asked["previous_response_id"] == theirs
        assert len(one.asked["input"]) == 5


async def test_a_session_has_nothing_in_the_background() -> None:
    async with (
        ResponsesService().listening() as one,
        served(config(one)) as router,
        sdk_of(router) as sdk,
        sdk.responses.connect() as connection,
    ):
        message: Any = {"type": "response.create", "model": "gpt", "input": "x", "background": True}
        await connection.send(message)
        told: Any = await connection.recv()
        assert (told.type, told.error.param) == ("error", "background")
        assert not one.journal


async def test_what_its_provider_keeps_is_compacted_there_or_not_at_all() -> None:
    async with (
        ResponsesService().listening() as one,
        anthropic_service() as claude,
        served(config(one, claude=claude)) as router,
        sdk_of(router) as sdk,
    ):
        made = await sdk.responses.create(model="gpt", input="Hi")
        trigger: Any = [{"type": "compaction_trigger"}]
        for attempt in (
            sdk.responses.compact(model="claude", input="x", previous_response_id=made.id),
            sdk.responses.create(model="claude", input=trigger, previous_response_id=made.id),
        ):
            with pytest.raises(BadRequestError, match="was made by an account"):
                await attempt
        assert not claude.asked


async def test_a_chain_moves_between_providers_that_keep_it_and_models_that_do_not() -> None:
    async with (
        ResponsesService().listening() as one,
        anthropic_service() as claude,
        served(config(one, claude=claude)) as router,
        sdk_of(router) as sdk,
    ):
        first = await sdk.responses.create(model="claude", input="Hi")
        second = await sdk.responses.create(
            model="gpt", input="Go on", previous_response_id=first.id
        )
        assert [item.get("role") for item in one.asked["input"]] == ["user", "assistant", "user"]
        with pytest.raises(BadRequestError, match="was made by an account"):
            await sdk.responses.create(model="claude", input="Back", previous_response_id=second.id)


async def test_a_stream_that_breaks_off_ends_with_an_error() -> None:
    async with (
        ResponsesService().listening() as one,
        served(config(one)) as router,
    ):
        one.cuts.append(Cut.RESET)
        body = {"model": "gpt", "input": "Hi", "stream": True}
        got = (await router.client.post("/v1/responses", json=body)).text
    events = [json.loads(line[5:]) for line in got.splitlines() if line.startswith("data:")]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
    assert events[-2]["error"]["code"] == "broken_reply"


async def test_a_conversation_that_began_at_a_server_with_longer_ids_is_gone_on_with() -> None:
    call = {"type": "function_call", "id": "fc_" + "x" * 80, "call_id": "call_" + "x" * 80}
    items: list[Any] = [
        {"role": "user", "content": "When?"},
        {**call, "name": "now", "arguments": "{}"},
        {"type": "function_call_output", "call_id": call["call_id"], "output": "Noon."},
    ]
    async with (
        ResponsesService().listening() as one,
        served(config(one)) as router,
        sdk_of(router) as sdk,
    ):
        answer = await sdk.responses.create(model="gpt", input=items)
        assert answer.status == "completed"
