"""Long conversations made short, through each of the three doors."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest
from openai import AsyncOpenAI, BadRequestError

from airouter.bounds.held_bytes import HeldBytes
from airouter.config.snapshot import Model, ModelMetadata
from airouter.dialects.client_request import parse_client_request
from airouter.eventloop.aside import Aside
from airouter.eventloop.turns import Turns
from airouter.interfaces import Exchange
from airouter.responses.buffer_exchange import BufferExchange
from airouter.responses.caller import PLAIN_CALLER, Caller
from airouter.responses.compaction import prompt
from airouter.responses.compaction.compactor import (
    LEAST_CHUNK,
    MOST_CHUNKS,
    MOST_OF_USER,
    Compactor,
    parted,
    user_messages,
)
from airouter.responses.compaction.transcript import LONGEST_RESULT, chunks, entries
from airouter.responses.records import History
from airouter.responses.request import ResponsesRequest
from airouter.responses.tenant import Tenant
from airouter.responses.turn import ResponsesTurn
from airouter.sealing import Sealer
from airouter.state.absent import NoStore
from contract.services.anthropic import answers
from contract.services.anthropic.service import AnthropicService, anthropic_service
from support.config import MASTER_KEY, manifest, mock_manifest
from support.in_loop import served
from support.mock_router import MODEL, client_of, serving

CALL: Any = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}'}
RESULT: Any = {"type": "function_call_output", "call_id": "c1", "output": "done"}


def user(text: str) -> Any:
    return {"role": "user", "content": text}


def raw(*items: dict[str, Any]) -> list[msgspec.Raw]:
    return [msgspec.Raw(json.dumps(item).encode()) for item in items]


async def test_the_endpoint_keeps_what_the_user_said_and_summarises_the_rest() -> None:
    async with serving() as (_, client):
        made = await client.responses.compact(
            model=MODEL, input=[user("one"), {"role": "assistant", "content": "x"}, user("two")]
        )
        first, second, compaction = (item.to_dict(warnings=False) for item in made.output)
        assert made.object == "response.compaction"
        assert [first["content"][0]["text"], second["content"][0]["text"]] == ["one", "two"]  # type: ignore[index]
        assert compaction["type"] == "compaction"
        assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens > 0
        with pytest.raises(BadRequestError):
            await client.responses.create(model=MODEL, input="x", previous_response_id=made.id)


async def test_the_endpoint_goes_on_from_a_stored_response() -> None:
    async with serving() as (_, client):
        first = await client.responses.create(model=MODEL, input="one two")
        made = await client.responses.compact(
            model=MODEL, input="three", previous_response_id=first.id
        )
        said = [item.to_dict(warnings=False) for item in made.output[:-1]]
    assert [item["content"][0]["text"] for item in said] == ["one two", "three"]  # type: ignore[index]


@pytest.mark.parametrize("body", [{"model": MODEL}, {"input": "x"}, {"model": MODEL, "input": []}])
async def test_the_endpoint_says_what_is_missing(body: dict[str, Any]) -> None:
    async with served(mock_manifest(MODEL)) as router:
        got = await router.client.post("/v1/responses/compact", json=body)
    assert got.status_code == 400
    assert got.json()["error"]["param"] in ("model", "input")


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_trigger_is_answered_with_one_compaction_that_stands_for_all(
    streamed: bool,
) -> None:
    items: list[Any] = [user("one"), CALL, RESULT, user("two"), {"type": "compaction_trigger"}]
    async with serving() as (_, client):
        if streamed:
            events = [
                event
                async for event in await client.responses.create(
                    model=MODEL, input=items, stream=True
                )
            ]
            assert [event.sequence_number for event in events] == list(range(5))
            last: Any = events[-1]
            response = last.response
        else:
            response = await client.responses.create(model=MODEL, input=items)
        (item,) = response.output
        assert item.type == "compaction"
        assert response.usage.input_tokens > 0
        again = await client.responses.create(
            model=MODEL, input=[*items[:-1], item.to_dict(), user("three")]
        )
        alone = await client.responses.create(model=MODEL, input=[item.to_dict(), user("three")])
        chained = await client.responses.create(
            model=MODEL, input="three", previous_response_id=response.id
        )
    tokens = [each.usage.input_tokens for each in (again, alone, chained) if each.usage]
    assert tokens[0] == tokens[1] == tokens[2]


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_answer_beyond_its_threshold_ends_with_a_compaction(streamed: bool) -> None:
    body: Any = {
        "model": MODEL,
        "input": "one two three four five",
        "context_management": [{"type": "compaction", "compact_threshold": 5}],
    }
    async with serving() as (_, client):
        if streamed:
            events = [event async for event in await client.responses.create(**body, stream=True)]
            assert [event.sequence_number for event in events] == list(range(len(events)))
            kinds = [event.type for event in events[-3:]]
            assert kinds[:2] == ["response.output_item.added", "response.output_item.done"]
            last: Any = events[-1]
            response = last.response
        else:
            response = await client.responses.create(**body)
        assert [item.type for item in response.output] == ["message", "compaction"]
        following = await client.responses.create(
            model=MODEL, input="six", previous_response_id=response.id
        )
        plain = await client.responses.create(
            **body | {"context_management": [{"type": "compaction", "compact_threshold": 500}]}
        )
        assert [item.type for item in plain.output] == ["message"]
        assert following.usage is not None


@pytest.mark.parametrize(
    "rules", [[{"type": "other"}], "no", [{"type": "compaction", "compact_threshold": 0}]]
)
async def test_a_wrong_threshold_is_named(rules: Any) -> None:
    async with served(mock_manifest(MODEL)) as router:
        body = {"model": MODEL, "input": "x", "context_management": rules}
        got = await router.client.post("/v1/responses", json=body)
    assert got.status_code == 400
    assert got.json()["error"]["param"].startswith("context_management")


async def test_a_history_beyond_the_window_is_summarised_piece_by_piece() -> None:
    config = manifest(
        [{"name": "mock", "type": "Mock"}],
        [
            {
                "name": MODEL,
                "backends": [{"credential": "mock"}],
                "metadata": {"contextWindow": 12_500},
            }
        ],
    )
    history = [user("word " * 700) for _ in range(6)]
    async with served(config) as router, client_of(router, MASTER_KEY) as client:
        made = await client.responses.compact(model=MODEL, input=history)
        metrics = (await router.client.get("/metrics")).text
    assert made.output[-1].type == "compaction"
    served_ = [
        line
        for line in metrics.splitlines()
        if line.startswith("airouter_requests_total") and 'operation="chat"' in line
    ]
    assert served_, metrics
    assert sum(float(line.rpartition(" ")[2]) for line in served_) > 3


WORDING = "Sum it up, in {one} sentence: 100 %."


def worded(service: AnthropicService, instructions: str | None = None, **metadata: Any) -> str:
    """A model of that service, told in these words to summarise."""
    credential = {
        "name": "claude",
        "type": "Anthropic",
        "baseURL": service.base_url,
        "secretRef": {"name": "keys", "key": "claude"},
    }
    model: dict[str, Any] = {
        "name": MODEL,
        "backends": [{"credential": "claude", "upstreamName": "claude-sonnet-4-5-20250929"}],
        "metadata": metadata,
    }
    if instructions is not None:
        model["compaction"] = {"instructions": instructions}
    return manifest([credential], [model], secrets={"claude": service.key})


def told(service: AnthropicService) -> list[str]:
    """What the service was told, each time that it was told something."""
    systems = [asked.body.get("system") or [] for asked in service.asked]
    return ["".join(part["text"] for part in system) for system in systems if system]


async def by_the_endpoint(client: AsyncOpenAI) -> Any:
    return (await client.responses.compact(model=MODEL, input="Hi")).output


async def by_a_trigger(client: AsyncOpenAI) -> Any:
    items: Any = [user("Hi"), {"type": "compaction_trigger"}]
    return (await client.responses.create(model=MODEL, input=items)).output


async def by_a_threshold(client: AsyncOpenAI) -> Any:
    rules: Any = [{"type": "compaction", "compact_threshold": 1}]
    response = await client.responses.create(model=MODEL, input="Hi", context_management=rules)
    return response.output


@pytest.mark.parametrize("door", [by_the_endpoint, by_a_trigger, by_a_threshold])
@pytest.mark.parametrize(("given", "expected"), [(WORDING, WORDING), (None, prompt.INSTRUCTIONS)])
async def test_a_model_is_told_to_summarise_in_its_own_words_or_else_in_ours(
    door: Any, given: str | None, expected: str
) -> None:
    async with anthropic_service() as service, serving(worded(service, given)) as (_, client):
        assert (await door(client))[-1].type == "compaction"
        assert told(service) == [expected]
        assert "User: Hi" in str(service.asked[-1].body["messages"])


async def test_every_piece_of_a_long_history_is_summarised_in_these_words() -> None:
    async with anthropic_service() as service:
        config = worded(service, WORDING, contextWindow=12_500)
        async with serving(config) as (_, client):
            service.turns.extend(answers.Turn((answers.text(f"Part {n}."),)) for n in range(9))
            await client.responses.compact(model=MODEL, input=[user("word " * 700)] * 3)
        assert told(service) == [WORDING] * len(service.asked)
        assert len(service.asked) > 2


async def test_another_wording_holds_from_the_next_request_on() -> None:
    async with anthropic_service() as service, serving(worded(service)) as (router, client):
        await by_the_endpoint(client)
        assert router.offer(worded(service, WORDING))
        await by_the_endpoint(client)
        assert told(service) == [prompt.INSTRUCTIONS, WORDING]


async def test_what_a_summary_costs_is_told_with_its_cached_and_thought_tokens() -> None:
    usage = answers.Usage(input=10, output=7, cache_read=30, cache_write=5, thinking=3)
    turn = answers.Turn((answers.text("A part."),), usage=usage)
    async with anthropic_service() as service:
        async with serving(worded(service, contextWindow=12_500)) as (_, client):
            service.turns.extend([turn] * 9)
            made = await client.responses.compact(model=MODEL, input=[user("word " * 700)] * 2)
        parts = len(service.asked)
    assert parts > 1
    assert made.usage.to_dict() == {
        "input_tokens": 45 * parts,
        "input_tokens_details": {"cached_tokens": 30 * parts, "cache_write_tokens": 5 * parts},
        "output_tokens": 7 * parts,
        "output_tokens_details": {"reasoning_tokens": 3 * parts},
        "total_tokens": 52 * parts,
    }


async def test_a_summary_that_fails_is_told_with_its_reason() -> None:
    async with served(mock_manifest(MODEL, errorPercent=100, errorStatus=429)) as router:
        body = {"model": MODEL, "input": "x"}
        got = await router.client.post("/v1/responses/compact", json=body)
    assert got.status_code == 429


def test_a_transcript_names_who_said_what_and_leaves_out_the_middle_of_long_results() -> None:
    image = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    long = {**RESULT, "output": "a" * (LONGEST_RESULT * 2)}
    said = list(
        entries(
            raw(
                {"role": "developer", "content": "Be kind."},
                {"role": "user", "content": [image, {"type": "input_text", "text": "Look"}]},
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]},
                {"type": "reasoning", "summary": []},
                CALL,
                long,
            )
        )
    )
    assert said[:4] == [
        "Instructions: Be kind.",
        "User: [image]\nLook",
        "Assistant (thinking): Hm",
        'Assistant called f (call c1) with: {"a":1}',
    ]
    assert len(said) == 5
    assert len(said[4]) < LONGEST_RESULT + 100
    assert "characters left out" in said[4]


def test_pieces_of_a_transcript_are_never_too_large() -> None:
    pieces = list(chunks(["a" * 10, "b" * 250, "c" * 90], 100))
    assert all(len(piece) <= 100 for piece in pieces)
    assert "".join(pieces).replace("\n", "") == "a" * 10 + "b" * 250 + "c" * 90


def test_calls_that_wait_for_their_results_are_kept_as_they_are() -> None:
    thought = {"type": "reasoning", "id": "rs", "summary": []}
    items = raw(user("x"), CALL, RESULT, thought, {**CALL, "call_id": "c2"})
    assert parted(items) == (items[:3], items[3:])
    assert parted(items[:3]) == (items[:3], [])


def test_calls_wait_whatever_stands_around_them() -> None:
    thought = {"type": "reasoning", "id": "rs", "summary": []}
    other = {**CALL, "call_id": "c2"}
    told = {"role": "assistant", "content": "I look."}
    items = raw(user("x"), thought, CALL, other, RESULT, told)
    assert parted(items)[1] == [items[1], items[3]]
    assert parted([*items, *raw(user("Never mind."))])[1] == []


async def test_a_call_before_a_text_is_answered_after_the_compaction() -> None:
    told: Any = {"role": "assistant", "content": "I look."}
    trigger: Any = {"type": "compaction_trigger"}
    async with serving() as (_, client):
        made = await client.responses.create(model=MODEL, input=[user("x"), CALL, told, trigger])
        item: Any = made.output[0]
        again = await client.responses.create(model=MODEL, input=[item.to_dict(), RESULT])
    assert again.status == "completed"


def test_an_image_that_is_too_large_takes_no_words_with_it() -> None:
    image = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * MOST_OF_USER}
    look = {"type": "input_text", "text": "Look"}
    items = raw(user("first"), {"role": "user", "content": [look, image]})
    first, second = user_messages(items)
    assert first == items[0]
    assert json.loads(bytes(second))["content"] == [look, {"type": "input_text", "text": "[image]"}]


def test_a_transcript_has_what_shells_and_patches_did() -> None:
    shell = {"type": "shell_call", "call_id": "c", "action": {"commands": ["ls -l"]}}
    printed = [{"stdout": "a.py", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]
    patch = {"type": "delete_file", "path": "a.py"}
    said = "\n".join(
        entries(
            raw(
                shell,
                {"type": "shell_call_output", "call_id": "c", "output": printed},
                {"type": "apply_patch_call", "call_id": "p", "operation": patch},
                {"type": "apply_patch_call_output", "call_id": "p", "status": "failed"},
            )
        )
    )
    for words in ("ls -l", "a.py", "exit_code", "delete_file", "failed"):
        assert words in said


@pytest.mark.parametrize("item", [5, {"type": None}, {"type": "message", "content": 7}])
async def test_a_history_with_no_item_in_it_is_no_fault_of_ours(item: Any) -> None:
    async with served(mock_manifest(MODEL)) as router:
        body = {"model": MODEL, "input": [item, user("x")]}
        got = await router.client.post("/v1/responses/compact", json=body)
    assert got.status_code < 500


def turn_of(model: Model) -> ResponsesTurn:
    """A request of the model, of which nothing is kept."""
    request = parse_client_request(b'{"model":"%b","input":"Hi"}' % model.name.encode())
    asked = ResponsesRequest(request.fields, request.body)
    held, turns = HeldBytes(1 << 20).hold("a", 0), Turns(asyncio.get_running_loop())
    tenant = Tenant(NoStore(), Sealer(["0" * 64]), "client/a", held, turns, Aside())
    door = BufferExchange({}, request.body)
    known = door, PLAIN_CALLER, asked, request, model, tenant, Aside()
    return ResponsesTurn(*known, lambda: None, stores=False, history=History())


async def test_of_a_very_long_history_the_newest_part_is_summarised() -> None:
    asked: list[bytes] = []

    async def serve(exchange: Exchange, caller: Caller) -> None:
        asked.append(exchange.body)
        exchange.respond(200, [], b'{"output":[{"content":[{"text":"So far."}]}]}')

    history = raw(*(user(f"{n} " + "x" * LEAST_CHUNK) for n in range(200)))
    model = Model(MODEL, metadata=ModelMetadata(context_window=1))
    await Compactor(serve, Aside()).compact(history, turn_of(model))
    assert len(asked) <= MOST_CHUNKS
    assert b"199 " in asked[-1] + asked[-2]


def test_what_the_user_said_is_kept_as_far_as_there_is_room() -> None:
    items = raw(user("first"), user("x" * (MOST_OF_USER - 100)), user("last"))
    assert user_messages(items) == items[1:]
