"""What a response goes on from: chains, conversations, references, what is kept and what not."""

from __future__ import annotations

from typing import Any

import pytest
from openai import BadRequestError, NotFoundError

from support.config import mock_manifest
from support.in_loop import served
from support.mock_router import MODEL, client_of, serving, two_tenants


async def test_a_chain_has_all_that_was_said_before() -> None:
    async with serving() as (_, client):
        first = await client.responses.create(model=MODEL, input="one two three")
        second = await client.responses.create(
            model=MODEL, input="four", previous_response_id=first.id
        )
        assert second.previous_response_id == first.id
        third = await client.responses.create(
            model=MODEL, input="five", previous_response_id=second.id
        )
    used = [each.usage.input_tokens for each in (first, second, third) if each.usage]
    assert used == [3, 3 + 3 + 1, 3 + 3 + 1 + 1 + 1]


async def test_a_streamed_response_is_kept_before_its_last_event() -> None:
    async with (
        serving() as (_, client),
        client.responses.stream(model=MODEL, input="one two") as stream,
    ):
        async for event in stream:
            if event.type == "response.completed":
                found = await client.responses.retrieve(event.response.id)
                assert found.output_text == "one two"


async def test_what_is_not_to_be_stored_is_not() -> None:
    async with serving() as (_, client):
        made = await client.responses.create(model=MODEL, input="one", store=False)
        assert made.to_dict()["store"] is False
        with pytest.raises(NotFoundError):
            await client.responses.retrieve(made.id)
        with pytest.raises(BadRequestError) as caught:
            await client.responses.create(model=MODEL, input="x", previous_response_id=made.id)
    assert caught.value.code == "previous_response_not_found"
    assert caught.value.param == "previous_response_id"


async def test_a_response_is_deleted() -> None:
    async with serving() as (_, client):
        made = await client.responses.create(model=MODEL, input="one")
        await client.responses.delete(made.id)
        with pytest.raises(NotFoundError):
            await client.responses.retrieve(made.id)
        with pytest.raises(NotFoundError):
            await client.responses.delete(made.id)


async def test_the_input_is_listed_page_by_page() -> None:
    items: list[Any] = [{"role": "user", "content": f"word{n}"} for n in range(5)]
    async with serving() as (_, client):
        made = await client.responses.create(model=MODEL, input=items)
        page = await client.responses.input_items.list(made.id, limit=2, order="asc")
        assert page.has_more
        said = [item async for item in page]
        newest = await client.responses.input_items.list(made.id, limit=1)
    assert [text_of(item) for item in said] == [f"word{n}" for n in range(5)]
    assert text_of(newest.data[0]) == "word4"


def text_of(item: Any) -> str:
    return str(item.content[0].text)


async def test_a_conversation_collects_its_responses() -> None:
    async with serving() as (_, client):
        made = await client.conversations.create(
            metadata={"topic": "numbers"},
            items=[{"type": "message", "role": "user", "content": "one"}],
        )
        first = await client.responses.create(model=MODEL, input="two", conversation=made.id)
        assert first.conversation is not None
        assert first.conversation.id == made.id
        second = await client.responses.create(model=MODEL, input="three", conversation=made.id)
        items = [item async for item in await client.conversations.items.list(made.id, order="asc")]
        assert len(items) == 5
        assert second.usage is not None
        assert second.usage.input_tokens == 4
        one = await client.conversations.items.retrieve(items[0].id, conversation_id=made.id)  # type: ignore[arg-type]
        assert one.id == items[0].id
        await client.conversations.items.delete(items[0].id, conversation_id=made.id)  # type: ignore[arg-type]
        changed = await client.conversations.update(made.id, metadata={"topic": "words"})
        assert changed.metadata == {"topic": "words"}
        await client.conversations.delete(made.id)
        with pytest.raises(NotFoundError):
            await client.conversations.retrieve(made.id)


@pytest.mark.parametrize(("path", "field"), [("", "metadata"), ("/items", "items")])
async def test_a_change_of_a_conversation_says_what_it_changes(path: str, field: str) -> None:
    async with serving() as (router, client):
        made = await client.conversations.create(metadata={"topic": "numbers"})
        got = await router.client.post(f"/v1/conversations/{made.id}{path}", json={})
        assert (got.status_code, got.json()["error"]["param"]) == (400, field)
        known = await client.conversations.retrieve(made.id)
        assert known.metadata == {"topic": "numbers"}
        cleared = await client.conversations.update(made.id, metadata=None)
        assert cleared.metadata == {}


async def test_a_conversation_has_its_bounds() -> None:
    async with serving() as (_, client):
        made = await client.conversations.create()
        item: Any = {"type": "message", "role": "user", "content": "x" * 12_000_000}
        for _ in range(2):
            await client.conversations.items.create(made.id, items=[item])
        with pytest.raises(BadRequestError, match="at most"):
            await client.conversations.items.create(made.id, items=[item])
        with pytest.raises(BadRequestError, match="20"):
            await client.conversations.items.create(made.id, items=[user("x")] * 21)
        with pytest.raises(BadRequestError, match="metadata"):
            await client.conversations.update(made.id, metadata={str(n): "" for n in range(17)})


def user(text: str) -> Any:
    return {"type": "message", "role": "user", "content": text}


async def test_counting_adds_nothing_to_a_conversation() -> None:
    async with serving() as (_, client):
        made = await client.conversations.create(items=[{"role": "user", "content": "one"}])
        count = await client.responses.input_tokens.count(
            model=MODEL, input="two three", conversation=made.id
        )
        assert count.input_tokens >= 3
        assert len((await client.conversations.items.list(made.id)).data) == 1


async def test_an_item_is_referred_to_by_its_id() -> None:
    async with serving() as (_, client):
        first = await client.responses.create(model=MODEL, input="one")
        said = first.output[0].id
        second = await client.responses.create(
            model=MODEL,
            input=[
                {"role": "user", "content": "one"},
                {"type": "item_reference", "id": str(said)},
                {"role": "user", "content": "two"},
            ],
        )
        assert second.usage is not None
        assert second.usage.input_tokens == 3
        with pytest.raises(BadRequestError, match="not found"):
            await client.responses.create(
                model=MODEL, input=[{"type": "item_reference", "id": "msg_nobody"}]
            )


@pytest.mark.parametrize(
    "reference", [r'{"type":"item\u005freference","id":"%s"}', r'{"\u0069d":"%s","role":null}']
)
async def test_a_reference_is_seen_however_json_spells_it(reference: str) -> None:
    async with served(mock_manifest(MODEL)) as router, client_of(router) as client:
        first = await client.responses.create(model=MODEL, input="one")
        body = f'{{"model":"{MODEL}","input":[{reference % first.output[0].id}]}}'
        answer = await router.client.post("/v1/responses", content=body)
        assert answer.json()["usage"]["input_tokens"] == 1


async def test_a_response_in_the_background_is_polled() -> None:
    async with serving(mock_manifest(MODEL, tokensPerSecond=50)) as (_, client):
        made = await client.responses.create(
            model=MODEL, input="one two three four five six", background=True
        )
        assert made.status == "queued"
        while made.status in ("queued", "in_progress"):
            made = await client.responses.retrieve(made.id)
        assert made.status == "completed"
        assert made.background is True
        assert made.output_text == "one two three four five six"
        after = await client.responses.create(model=MODEL, input="x", previous_response_id=made.id)
        assert after.usage is not None
        assert after.usage.input_tokens == 13
        with pytest.raises(
            BadRequestError, match="not found"
        ):  # a batch of its events is no response
            await client.responses.create(
                model=MODEL, input="x", previous_response_id=f"{made.id}/0"
            )


async def test_a_response_in_the_background_is_followed_and_resumed() -> None:
    async with serving(mock_manifest(MODEL, tokensPerSecond=50)) as (_, client):
        seen = []
        id_ = ""
        async for event in await client.responses.create(
            model=MODEL, input="a b c d e f g h i j k l m n o p", background=True, stream=True
        ):
            seen.append(event.sequence_number)
            if event.type == "response.created":
                id_ = event.response.id
            if len(seen) == 5:
                break
        rest = await client.responses.retrieve(id_, stream=True, starting_after=seen[-1])
        async for event in rest:
            seen.append(event.sequence_number)
            last = event.type
    assert seen == list(range(len(seen)))
    assert last == "response.completed"


async def test_a_response_in_the_background_is_cancelled() -> None:
    async with serving(mock_manifest(MODEL, tokensPerSecond=5)) as (_, client):
        made = await client.responses.create(model=MODEL, input="a b c d " * 20, background=True)
        stopped = await client.responses.cancel(made.id)
        assert stopped.status == "cancelled"
        events = [event async for event in await client.responses.retrieve(made.id, stream=True)]
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert events[-1].type == "response.failed"
        assert events[-1].response.status == "cancelled"
        assert (await client.responses.retrieve(made.id)).status == "cancelled"
        assert (await client.responses.cancel(made.id)).status == "cancelled"
        plain = await client.responses.create(model=MODEL, input="a")
        with pytest.raises(BadRequestError, match="synchronous"):
            await client.responses.cancel(plain.id)


async def test_another_tenant_finds_nothing() -> None:
    async with (
        served(two_tenants()) as router,
        client_of(router, "sk-tenant-a") as a,
        client_of(router, "sk-tenant-b") as b,
    ):
        made = await a.responses.create(model=MODEL, input="secret", background=True)
        talk = await a.conversations.create()
        for attempt in (
            b.responses.retrieve(made.id),
            b.responses.delete(made.id),
            b.responses.cancel(made.id),
            b.responses.input_items.list(made.id),
            b.conversations.retrieve(talk.id),
            b.conversations.delete(talk.id),
            b.conversations.items.list(talk.id),
        ):
            with pytest.raises(NotFoundError):
                await attempt
        with pytest.raises(BadRequestError) as caught:
            await b.responses.create(model=MODEL, input="x", previous_response_id=made.id)
        unknown = "resp_" + "0" * 32
        with pytest.raises(BadRequestError) as nobody:
            await b.responses.create(model=MODEL, input="x", previous_response_id=unknown)
        assert caught.value.message.replace(made.id, unknown) == nobody.value.message
