"""The strict Anthropic is fair: the official SDK talks with it, directly and as at Vertex."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anthropic
import pytest
from anthropic.types import Message
from pydantic import BaseModel

from contract.services.anthropic.answers import (
    Turn,
    Usage,
    redacted_thinking,
    text,
    thinking,
    tool_use,
    web_search,
)
from contract.services.anthropic.asking import VERTEX, post
from contract.services.anthropic.models import MODELS
from contract.services.anthropic.request import NEWER
from contract.services.anthropic.samples import HELLO, LOOK, MIDDLE, NEWEST, OLD, said
from contract.services.anthropic.service import (
    KEY,
    VERTEX_TOKEN,
    AnthropicService,
    anthropic_service,
)


class Recipe(BaseModel):
    title: str
    steps: list[str]


@pytest.fixture
async def service() -> AsyncIterator[AnthropicService]:
    async with anthropic_service() as service:
        yield service


@pytest.fixture
async def direct(service: AnthropicService) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """The SDK at the service itself."""
    async with anthropic.AsyncAnthropic(
        base_url=service.base_url, api_key=KEY, max_retries=0
    ) as client:
        yield client


@pytest.fixture
async def vertex(service: AnthropicService) -> AsyncIterator[anthropic.AsyncAnthropicVertex]:
    """The SDK for Vertex at the service itself."""
    async with anthropic.AsyncAnthropicVertex(
        base_url=service.vertex_url,
        region="us-east5",
        project_id="p-1",
        access_token=VERTEX_TOKEN,
        max_retries=0,
    ) as client:
        yield client


def text_of(answer: Message) -> str:
    """The text that an answer is."""
    (block,) = answer.content
    assert block.type == "text"
    return block.text


async def test_the_sdk_talks_with_it(
    direct: anthropic.AsyncAnthropic, service: AnthropicService
) -> None:
    whole = await direct.messages.create(model=NEWEST, max_tokens=9, messages=HELLO)
    async with direct.messages.stream(model=NEWEST, max_tokens=9, messages=HELLO) as stream:
        streamed = await stream.get_final_message()
    assert text_of(whole) == text_of(streamed) == HELLO[0]["content"]
    assert whole.usage.input_tokens == streamed.usage.input_tokens == 12
    assert [each.headers["anthropic-version"] for each in service.asked] == [NEWER, NEWER]


@pytest.mark.parametrize("chunk_size", [1, 7, 4_096, None])
async def test_a_stream_is_the_same_in_pieces_of_any_size(
    direct: anthropic.AsyncAnthropic, service: AnthropicService, chunk_size: int | None
) -> None:
    service.chunk_size = chunk_size
    service.turns.append(Turn((text("Grüße 🙂"),), pings=(0, 1, 3, 3)))
    async with direct.messages.stream(model=NEWEST, max_tokens=9, messages=HELLO) as stream:
        assert await stream.get_final_text() == "Grüße 🙂"


@pytest.mark.parametrize("streaming", [True, False])
async def test_thoughts_and_calls_come_back_as_the_sdk_got_them(
    direct: anthropic.AsyncAnthropic, service: AnthropicService, streaming: bool
) -> None:
    calls = tool_use("look", at="the moon 🌕"), tool_use("look")
    service.turns.append(Turn((thinking("Hmm."), redacted_thinking(), text("So:"), *calls)))
    asking: dict[str, Any] = {
        "model": OLD,
        "max_tokens": 2_048,
        "thinking": {"type": "enabled", "budget_tokens": 1_024},
        "tools": [LOOK],
    }
    if streaming:
        async with direct.messages.stream(messages=HELLO, **asking) as stream:
            answer = await stream.get_final_message()
    else:
        answer = await direct.messages.create(messages=HELLO, **asking)
    results = [
        {"type": "tool_result", "tool_use_id": block.id, "content": "seen"}
        for block in answer.content
        if block.type == "tool_use"
    ]
    history: list[Any] = [*HELLO, {"role": "assistant", "content": answer.content}]
    history.append({"role": "user", "content": results})
    await direct.messages.create(messages=history, **asking)
    assert answer.stop_reason == "tool_use"
    assert [each.input for each in answer.content if each.type == "tool_use"] == [
        {"at": "the moon 🌕"},
        {},
    ]


async def test_the_sdk_reads_searches_and_citations(
    direct: anthropic.AsyncAnthropic, service: AnthropicService
) -> None:
    citation = {
        "type": "web_search_result_location",
        "url": "https://tea.test",
        "title": "Tea",
        "encrypted_index": "aW5kZXg=",
        "cited_text": "Boil it.",
    }
    blocks = (*web_search("tea", "https://tea.test"), text("Boil it.", citation))
    service.turns.append(Turn(blocks, usage=Usage(searches=1)))
    async with direct.messages.stream(
        model=NEWEST,
        max_tokens=9,
        messages=HELLO,
        tools=[{"type": "web_search_20250305", "name": "web_search"}],
    ) as stream:
        answer = await stream.get_final_message()
    assert [each.type for each in answer.content] == [each["type"] for each in blocks]
    last = answer.content[-1]
    assert last.type == "text"
    assert last.citations is not None
    assert last.citations[0].cited_text == "Boil it."
    paused: list[Any] = [*HELLO, {"role": "assistant", "content": answer.content}]
    await direct.messages.create(model=NEWEST, max_tokens=9, messages=paused)


async def test_the_sdk_parses_its_structured_output(
    direct: anthropic.AsyncAnthropic, service: AnthropicService
) -> None:
    service.turns.append(Turn((text('{"title": "Tea", "steps": ["boil"]}'),)))
    answer = await direct.messages.parse(
        model=NEWEST, max_tokens=9, messages=HELLO, output_format=Recipe
    )
    assert answer.parsed_output == Recipe(title="Tea", steps=["boil"])


@pytest.mark.parametrize("streaming", [True, False])
async def test_usage_tells_the_cache_apart(
    direct: anthropic.AsyncAnthropic, service: AnthropicService, streaming: bool
) -> None:
    usage = Usage(input=3, output=5, cache_read=7, cache_write=11, cache_write_1h=4, thinking=2)
    service.turns.append(Turn((text("x"),), "max_tokens", usage=usage, restated=False))
    asking: dict[str, Any] = {"model": NEWEST, "max_tokens": 9, "messages": HELLO}
    if streaming:
        async with direct.messages.stream(**asking) as stream:
            answer = await stream.get_final_message()
    else:
        answer = await direct.messages.create(**asking)
    found = answer.usage
    assert answer.stop_reason == "max_tokens"
    assert (found.input_tokens, found.output_tokens) == (3, 5)
    assert (found.cache_read_input_tokens, found.cache_creation_input_tokens) == (7, 11)
    assert found.cache_creation is not None
    assert found.cache_creation.ephemeral_1h_input_tokens == 4


async def test_thoughts_are_left_out_when_asked(
    direct: anthropic.AsyncAnthropic, service: AnthropicService
) -> None:
    service.turns.append(Turn((thinking("Hmm."), text("x"))))
    answer = await direct.messages.create(
        model=NEWEST,
        max_tokens=9,
        messages=HELLO,
        thinking={"type": "adaptive", "display": "omitted"},
    )
    first = answer.content[0]
    assert first.type == "thinking"
    assert (first.thinking, bool(first.signature)) == ("", True)


async def test_the_sdk_counts_and_lists(
    direct: anthropic.AsyncAnthropic, service: AnthropicService
) -> None:
    service.input_tokens = 1_234
    counted = await direct.messages.count_tokens(model=NEWEST, messages=HELLO)
    listed = [each.id async for each in direct.models.list()]
    assert counted.input_tokens == 1_234
    assert listed == [each.id for each in MODELS]
    assert (await direct.models.retrieve(NEWEST)).display_name == "Claude Sonnet 5"


async def test_betas_bring_their_fields(direct: anthropic.AsyncAnthropic) -> None:
    edits: Any = {"edits": [{"type": "clear_tool_uses_20250919"}]}
    answer = await direct.beta.messages.create(
        model=NEWEST,
        max_tokens=9,
        messages=[{"role": "user", "content": "Hi"}],
        betas=["context-management-2025-06-27"],
        context_management=edits,
    )
    assert answer.role == "assistant"


async def test_the_sdk_for_vertex_talks_with_it(
    vertex: anthropic.AsyncAnthropicVertex, service: AnthropicService
) -> None:
    whole = await vertex.messages.create(model=NEWEST, max_tokens=9, messages=HELLO)
    async with vertex.messages.stream(model=NEWEST, max_tokens=9, messages=HELLO) as stream:
        assert text_of(whole) == await stream.get_final_text()
    counted = await vertex.messages.count_tokens(model=NEWEST, messages=HELLO)
    assert counted.input_tokens == service.input_tokens
    assert [each.path.rpartition("/")[2] for each in service.asked] == [
        f"{NEWEST}:rawPredict",
        f"{NEWEST}:streamRawPredict",
        "count-tokens:rawPredict",
    ]


async def test_a_model_of_vertex_knows_the_thoughts_of_its_twin(service: AnthropicService) -> None:
    """A signature holds wherever the model runs."""
    service.turns.append(Turn((thinking("Hmm."), text("x"))))
    first = await post(service, {"model": MIDDLE, "max_tokens": 9, "messages": HELLO})
    body = {
        "anthropic_version": "vertex-2023-10-16",
        "max_tokens": 9,
        "temperature": 1,
        "messages": said("Hi", first.json()["content"], "Go on."),
    }
    path = f"{VERTEX}/claude-sonnet-4-5@20250929:rawPredict"
    answer = await post(service, body, path, authorization=f"Bearer {VERTEX_TOKEN}")
    assert answer.json()["content"] == [text("Go on.")]
