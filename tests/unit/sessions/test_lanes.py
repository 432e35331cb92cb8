"""Sessions over a WebSocket, by OpenAI's own SDK and by hand."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from openai.types.responses import ResponseSteerFailedEvent
from websockets.exceptions import ConnectionClosed, InvalidStatus

from airouter.sessions.session import MOST_REMEMBERED
from support.config import mock_manifest
from support.in_loop import served
from support.mock_router import MODEL, client_of, two_tenants
from support.mock_sessions import LAST, dial, heard, last, say

HISTORY: list[dict[str, Any]] = [
    {"role": "user", "content": "one two"},
    {"role": "assistant", "content": "x"},
    {"role": "user", "content": "three"},
]
RULE = {"type": "compaction", "compact_threshold": 3}


async def test_the_sdk_has_several_turns_over_one_connection() -> None:
    async with (
        served(mock_manifest(MODEL)) as router,
        client_of(router) as client,
        client.responses.connect() as connection,
    ):
        previous = None
        for turn in range(3):
            await connection.response.create(
                model=MODEL, input=f"word{turn}", previous_response_id=previous, store=False
            )
            async for event in connection:
                if event.type == "response.completed":
                    previous = event.response.id
                    assert event.response.output_text == f"word{turn}"
                    assert event.response.usage is not None
                    assert event.response.usage.input_tokens == 2 * turn + 1
                    break


async def test_each_response_counts_its_events_from_zero() -> None:
    async with served(mock_manifest(MODEL)) as router, dial(router) as connection:
        for _ in range(2):
            await say(connection, input="a b")
            numbers = []
            while True:
                event = await heard(connection)
                numbers.append(event["sequence_number"])
                if event["type"] in LAST:
                    break
            assert numbers == list(range(len(numbers)))


async def test_what_was_said_is_gone_with_the_connection() -> None:
    async with served(mock_manifest(MODEL)) as router:
        async with dial(router) as connection:
            await say(connection, input="a", store=False)
            made = (await last(connection))["response"]["id"]
        async with dial(router) as connection:
            await say(connection, input="b", store=False, previous_response_id=made)
            error = await last(connection)
    assert error["status"] == 400
    assert error["error"]["code"] == "previous_response_not_found"


async def test_a_stored_response_is_found_over_another_connection() -> None:
    async with served(mock_manifest(MODEL)) as router:
        async with dial(router) as connection:
            await say(connection, input="a")
            made = (await last(connection))["response"]["id"]
        async with dial(router) as connection:
            await say(connection, input="b", previous_response_id=made)
            assert (await last(connection))["response"]["usage"]["input_tokens"] == 3


async def test_a_response_of_a_session_is_added_to_its_conversation() -> None:
    async with served(mock_manifest(MODEL)) as router, client_of(router) as client:
        talk = await client.conversations.create()
        async with dial(router) as connection:
            await say(connection, input="two words", conversation=talk.id)
            await last(connection)
        items = [item async for item in await client.conversations.items.list(talk.id)]
    assert [getattr(item, "role", None) for item in items] == ["assistant", "user"]


async def test_a_warm_up_asks_nobody_and_is_gone_on_from() -> None:
    async with (
        served(mock_manifest(MODEL, errorPercent=100)) as router,
        dial(router) as connection,
    ):
        await say(connection, input="a b", store=False, generate=False, stream=True)
        kinds = [(await heard(connection))["type"] for _ in range(2)]
        made = await last(connection)
    assert kinds == ["response.created", "response.in_progress"]
    assert made["response"]["output"] == []
    async with served(mock_manifest(MODEL)) as router, dial(router) as connection:
        await say(connection, input="a b", store=False, generate=False, client_metadata={"x": "y"})
        made = await last(connection)
        await say(connection, input="c", store=False, previous_response_id=made["response"]["id"])
        assert (await last(connection))["response"]["usage"]["input_tokens"] == 3


async def test_each_lane_goes_on_with_what_its_own_warm_up_said() -> None:
    async with served(mock_manifest(MODEL)) as router, dial(router) as connection:
        warm: dict[str, str] = {}
        for lane in ("a", "b"):
            words = f"You are {lane}."
            await say(connection, input="x", generate=False, instructions=words, stream_id=lane)
            warm[lane] = (await last(connection, lane))["response"]["id"]
        for lane, id_ in warm.items():
            await say(connection, input="y", previous_response_id=id_, stream_id=lane)
            made = (await last(connection, lane))["response"]
            assert made["instructions"] == f"You are {lane}."


async def test_a_warm_up_that_fails_leaves_nothing_behind() -> None:
    async with served(mock_manifest(MODEL)) as router, dial(router) as connection:
        await say(connection, input="a", store=False)
        made = (await last(connection))["response"]["id"]
        await say(connection, input="a", generate=False, instructions="Lie.", temperature=9)
        assert (await last(connection))["type"] == "error"
        await say(connection, input="b", store=False, previous_response_id=made)
        assert (await last(connection))["response"]["instructions"] is None


async def test_a_session_remembers_so_much_and_forgets_the_oldest_lane_first() -> None:
    more_than_half = "x" * (MOST_REMEMBERED * 5 // 9)
    async with served(mock_manifest(MODEL, reply="tokens:1")) as router, dial(router) as connection:
        made: dict[str, str] = {}
        for lane in ("a", "b"):
            await say(connection, input=more_than_half, stream_id=lane, store=False)
            made[lane] = (await last(connection, lane))["response"]["id"]
        ends = []
        for id_ in made.values():
            await say(connection, input="y", stream_id="c", store=False, previous_response_id=id_)
            ends.append((await last(connection, "c"))["type"])
    assert ends == ["error", "response.completed"]


@pytest.mark.parametrize("store", [False, True])
@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        ({"input": [*HISTORY, {"type": "compaction_trigger"}]}, ["compaction"]),
        (
            {"input": HISTORY, "context_management": [RULE]},
            ["reasoning", "message", "compaction"],
        ),
    ],
)
async def test_a_compaction_is_gone_on_from_by_its_response_and_by_itself(
    asked: dict[str, Any], kinds: list[str], store: bool
) -> None:
    config = mock_manifest(MODEL, reply="reasoning:Hm.\ntext:They counted.")
    async with served(config) as router, dial(router) as connection:
        await say(connection, **asked, store=store)
        made = (await last(connection))["response"]
        assert [item["type"] for item in made["output"]] == kinds
        usages = []
        for following in (
            {"input": "four", "previous_response_id": made["id"]},
            {"input": [made["output"][-1], {"role": "user", "content": "four"}]},
        ):
            await say(connection, **following, store=store)
            answer = (await last(connection))["response"]
            assert answer["output"][-1]["content"][0]["text"] == "They counted."
            usages.append(answer["usage"]["input_tokens"])
    assert usages[0] == usages[1] > 4, "what the user said, and the summary"


async def test_requests_without_a_lane_are_answered_in_their_order() -> None:
    async with (
        served(mock_manifest(MODEL, tokensPerSecond=100)) as router,
        dial(router) as connection,
    ):
        for word in ("a a a a a", "b", "c"):
            await say(connection, input=word)
        said = [
            (await last(connection))["response"]["output"][0]["content"][0]["text"]
            for _ in range(3)
        ]
    assert said == ["a a a a a", "b", "c"]


async def test_lanes_run_side_by_side_and_fork() -> None:
    async with (
        served(mock_manifest(MODEL, tokensPerSecond=20)) as router,
        dial(router) as connection,
    ):
        await say(connection, input="a " * 20, stream_id="slow")
        await say(connection, input="b", stream_id="fast", store=False)
        quick = await last(connection, "fast")
        slow = await last(connection, "slow")
        assert slow["stream_id"] == "slow"
        await say(
            connection,
            input="c",
            stream_id="slow",
            store=False,
            previous_response_id=quick["response"]["id"],
        )
        forked = await last(connection, "slow")
    assert forked["response"]["usage"]["input_tokens"] == 3


async def test_a_continuation_that_fails_evicts_what_it_goes_on_from() -> None:
    async with served(mock_manifest(MODEL)) as router, dial(router) as connection:
        await say(connection, input="a", store=False)
        made = (await last(connection))["response"]["id"]
        await say(connection, input="b", store=False, previous_response_id=made, temperature=9)
        assert (await last(connection))["error"]["param"] == "temperature"
        await say(connection, input="b", store=False, previous_response_id=made)
        assert (await last(connection))["error"]["code"] == "previous_response_not_found"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("no json", "invalid_json"),
        ("[]", "invalid_json"),
        ('{"type": "response.delete"}', "invalid_value"),
        ('{"type": "response.create", "stream_id": "a b"}', "invalid_stream_id"),
        ('{"type": "response.create", "stream_id": 5}', "invalid_stream_id"),
        ('{"type": "response.create", "input": "x"}', "invalid_request_error"),
        (
            '{"type": "response.create", "model": "m", "input": "x", "background": true}',
            "invalid_value",
        ),
        ('{"type": "response.create", "model": "nobody", "input": "x"}', "model_not_found"),
    ],
)
async def test_a_message_that_is_wrong_is_told_and_the_session_goes_on(
    message: str, code: str
) -> None:
    async with served(mock_manifest(MODEL)) as router, dial(router) as connection:
        await connection.send(message)
        error = await heard(connection)
        assert error["type"] == "error"
        assert error["status"] == 400
        assert error["error"]["code"] == code
        await say(connection, input="a")
        assert (await last(connection))["type"] == "response.completed"


async def test_a_connection_has_so_many_lanes() -> None:
    async with served(mock_manifest(MODEL)) as router, dial(router) as connection:
        for number in range(32):
            await say(connection, input="a", stream_id=f"lane{number}")
            await last(connection, f"lane{number}")
        await say(connection, input="a", stream_id="one-more")
        error = await heard(connection)
    assert error["error"]["code"] == "websocket_stream_limit_reached"


@pytest.mark.parametrize("said", [{"previous_response_id": "x", "input": "y"}, {}])
async def test_steering_is_answered(said: dict[str, str]) -> None:
    async with served(mock_manifest(MODEL)) as router, dial(router) as connection:
        await connection.send(json.dumps({"type": "response.steer", **said}))
        told = ResponseSteerFailedEvent.model_validate(await heard(connection))
    assert told.error.code == "steering_not_supported"
    assert told.steer.model_dump(exclude_none=True) == (
        said or {"previous_response_id": "", "input": ""}
    )


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}])
async def test_nobody_comes_in_without_a_key(headers: dict[str, str]) -> None:
    async with served(mock_manifest(MODEL)) as router:
        with pytest.raises(InvalidStatus) as caught:
            await dial(router, additional_headers=headers)
    assert caught.value.response.status_code == 401
    assert b"error" in (caught.value.response.body or b"")


async def test_a_key_that_is_revoked_ends_its_sessions() -> None:
    async with (
        served(two_tenants()) as router,
        dial(router, additional_headers={"authorization": "Bearer sk-tenant-a"}) as gone,
        dial(router) as kept,
    ):
        router.offer(mock_manifest(MODEL))
        assert (await heard(gone))["error"]["code"] == "invalid_api_key"
        with pytest.raises(ConnectionClosed) as caught:
            await heard(gone)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1008
        await say(kept, input="a")
        assert (await last(kept))["type"] == "response.completed"


async def test_a_drain_lets_responses_finish_and_closes_with_1012() -> None:
    async with served(mock_manifest(MODEL, tokensPerSecond=40), drain_deadline=10.0) as router:
        idle = await dial(router)
        busy = await dial(router)
        await say(busy, input="a " * 20)
        await heard(busy)
        assert router.router.server is not None
        router.router.server.should_exit = True
        with pytest.raises(ConnectionClosed) as caught:
            await heard(idle)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1012
        assert (await last(busy))["type"] == "response.completed"
        with pytest.raises(ConnectionClosed) as caught:
            await heard(busy)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1012


async def test_a_connection_ends_when_it_has_lived_long_enough() -> None:
    async with served(mock_manifest(MODEL)) as router, dial(router) as connection:
        (only,) = router.router.sessions.open
        only._ends_at = only.deadline = 0.0
        error = await heard(connection)
        assert error["error"]["code"] == "websocket_connection_limit_reached"
        with pytest.raises(ConnectionClosed) as caught:
            await heard(connection)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1000


async def test_a_response_that_never_ends_does_not_keep_a_connection_beyond_its_life() -> None:
    async with (
        served(mock_manifest(MODEL, tokensPerSecond=1)) as router,
        dial(router) as connection,
    ):
        await say(connection, input="a " * 100)
        await heard(connection)
        (only,) = router.router.sessions.open
        only._ends_at = only.deadline = 0.0
        while (await heard(connection))["type"] != "error":
            pass
        only.deadline = 0.0
        await asyncio.wait_for(connection.wait_closed(), 60)
        assert connection.close_code == 1006
