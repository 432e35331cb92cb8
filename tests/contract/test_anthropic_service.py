"""The stand-in is fair: the official SDK works with it, and every one of its rules fires."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import anthropic
import httpx
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
from contract.services.anthropic.breaches import REFUSED
from contract.services.anthropic.models import MODELS, model_named
from contract.services.anthropic.refusals import (
    Refusal,
    rate_limited,
)
from contract.services.anthropic.request import NEWER, OLDER, Request
from contract.services.anthropic.rules import RULES
from contract.services.anthropic.samples import (
    ACCEPTED,
    HELLO,
    LOOK,
    MIDDLE,
    MISSHAPEN,
    NEWEST,
    NEWLY_REFUSED,
    OLD,
    UNCOUNTED,
    Case,
    changed,
    said,
)
from contract.services.anthropic.service import (
    KEY,
    MAX_BODY,
    VERTEX_TOKEN,
    AnthropicService,
    anthropic_service,
)
from contract.services.anthropic.streams import Cut, Fault

VERTEX = "/v1/projects/p-1/locations/us-east5/publishers/anthropic/models"


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


async def post(
    service: AnthropicService,
    body: Any,
    path: str = "/v1/messages",
    /,
    **headers: str | None,
) -> httpx.Response:
    usual = {"x-api-key": KEY, "anthropic-version": OLDER}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {name: value for name, value in (usual | named).items() if value is not None}
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(f"{service.url}{path}", json=body, headers=sent)


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


def named(cases: list[Case]) -> list[Any]:
    return [pytest.param(*case, id=name) for name, *case in cases]


@pytest.mark.parametrize(("fields", "begin"), named(MISSHAPEN + REFUSED))
async def test_what_anthropic_refuses_is_refused(
    service: AnthropicService, fields: dict[str, Any], begin: str
) -> None:
    response = await post(service, changed(fields, max_tokens=9))
    answer = response.json()
    refusal = service.note_refusal()
    assert refusal.message.startswith(begin)
    assert (response.status_code, answer["type"]) == (400, "error")
    assert answer["error"] == {"type": "invalid_request_error", "message": refusal.message}


@pytest.mark.parametrize(("fields", "begin"), named(NEWLY_REFUSED))
async def test_what_only_the_newer_version_refuses(
    service: AnthropicService, fields: dict[str, Any], begin: str
) -> None:
    body = changed(fields, max_tokens=9)
    assert (await post(service, body)).status_code == 200
    assert (await post(service, body, anthropic_version=NEWER)).status_code == 400
    assert service.note_refusal().message.startswith(begin)


@pytest.mark.parametrize(("fields", "begin"), named(UNCOUNTED))
async def test_what_is_not_counted(
    service: AnthropicService, fields: dict[str, Any], begin: str
) -> None:
    response = await post(service, changed(fields), "/v1/messages/count_tokens")
    assert response.status_code == 400
    assert service.note_refusal().message.startswith(begin)


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_refuses_something(rule: Callable[[Request], None]) -> None:
    """Those `alone` need a signature of the service, and a test of their own."""

    def refuses(fields: dict[str, Any], version: str, counting: bool) -> bool:
        body = changed(fields, max_tokens=9)
        model = model_named(body["model"])
        assert model is not None
        try:
            rule(Request(body, model, version, counting))
        except Refusal:
            return True
        return False

    tried = [(fields, OLDER, False) for _, fields, _ in REFUSED]
    tried += [(fields, NEWER, False) for _, fields, _ in NEWLY_REFUSED]
    tried += [(fields, OLDER, True) for _, fields, _ in UNCOUNTED]
    alone = {"thoughts_are_complete", "thinking_leads_to_something"}
    assert rule.__name__ in alone or any(refuses(*each) for each in tried)


@pytest.mark.parametrize("fields", [pytest.param(each, id=name) for name, each in ACCEPTED])
async def test_what_anthropic_takes_is_taken(
    service: AnthropicService, fields: dict[str, Any]
) -> None:
    response = await post(service, changed(fields, max_tokens=9))
    assert response.status_code == 200, response.text


def replayed(answer: dict[str, Any], *blocks: int, **change: str) -> list[Any]:
    """A history with some blocks of an answer, the first of them changed."""
    first, *rest = [answer["content"][index] for index in blocks]
    return said("Hi", [first | change, *rest], "Go on.")


@pytest.mark.parametrize(
    ("model", "blocks", "change", "begin"),
    [
        (OLD, (0, 2), {"signature": "eHg="}, "messages.1.content.0: Invalid `signature` in"),
        (OLD, (0, 2), {"thinking": "Aha."}, "messages.1.content.0: `thinking` or `redacted"),
        (OLD, (0, 2), {}, "messages.1.content.0: `thinking` or `redacted_thinking` blocks in the"),
        (OLD, (1, 0, 2), {}, "messages.1.content.0: `thinking` or `redacted_thinking` blocks in"),
        (OLD, (0, 1), {}, "messages.1: The final block in an assistant message cannot be"),
        (MIDDLE, (0, 1, 2), {}, "messages.1.content.0: Invalid `signature` in `thinking` block"),
    ],
    ids=["signature", "text", "incomplete", "order", "nothing follows", "another model"],
)
async def test_thoughts_come_back_as_they_were(
    service: AnthropicService,
    model: str,
    blocks: tuple[int, ...],
    change: dict[str, str],
    begin: str,
) -> None:
    service.turns.append(Turn((thinking("Hmm."), redacted_thinking(), text("x"))))
    answer = (await post(service, changed({}, max_tokens=9))).json()
    again = changed({"messages": replayed(answer, 0, 1, 2)}, max_tokens=9)
    assert (await post(service, again)).status_code == 200
    body = changed({"model": model, "messages": replayed(answer, *blocks, **change)}, max_tokens=9)
    assert (await post(service, body)).status_code == 400
    assert service.note_refusal().message.startswith(begin)


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"x_api_key": None}, 401, "x-api-key header is required"),
        ({"x_api_key": "sk-other"}, 401, "invalid x-api-key"),
        ({"x_api_key": "sk-other", "authorization": f"Bearer {KEY}"}, 401, "invalid x-api-key"),
        ({"x_api_key": None, "authorization": "Bearer x"}, 401, "Invalid bearer token"),
        ({"anthropic_version": None}, 400, "anthropic-version: header is required"),
        ({"anthropic_version": "2020"}, 400, 'anthropic-version: "2020" is not a valid version'),
        ({"anthropic_beta": "time-travel"}, 400, "Unexpected value(s) `time-travel` for the"),
    ],
)
async def test_it_reads_the_headers(
    service: AnthropicService, headers: dict[str, str | None], status: int, message: str
) -> None:
    response = await post(service, changed({}, max_tokens=9), **headers)
    assert response.status_code == service.note_refusal().status == status
    assert response.json()["error"]["message"].startswith(message)


async def test_a_key_may_come_as_a_bearer(service: AnthropicService) -> None:
    body = changed({}, max_tokens=9)
    answer = await post(service, body, x_api_key=None, authorization=f"Bearer {KEY}")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/v1/messages", changed({"model": "claude-0"}, max_tokens=9), 404, "model: claude-0"),
        ("/v1/message", {}, 404, "Not Found"),
        ("/v1/messages", [], 400, "Input should be a valid dictionary"),
        ("/v1/messages", "x" * MAX_BODY, 413, "Request exceeds the maximum size"),
    ],
    ids=["model", "path", "no object", "size"],
)
async def test_it_knows_its_models_its_paths_and_its_limits(
    service: AnthropicService, path: str, body: Any, status: int, message: str
) -> None:
    response = await post(service, body, path)
    assert response.status_code == service.note_refusal().status == status
    assert response.json()["error"]["message"] == message


@pytest.mark.parametrize(
    ("model", "fields", "token", "status", "message"),
    [
        (NEWEST, {}, "ya29.old", "UNAUTHENTICATED", "Request had invalid authentication"),
        ("claude-0", {}, VERTEX_TOKEN, "NOT_FOUND", f"Publisher Model `{VERTEX[4:]}/claude-0` was"),
        (MIDDLE, {}, VERTEX_TOKEN, "NOT_FOUND", "Publisher Model"),
        (NEWEST, {"model": NEWEST}, VERTEX_TOKEN, None, "model: Extra inputs are not permitted"),
        (NEWEST, {"stream": True}, VERTEX_TOKEN, None, "stream: Input should be true for stream"),
        (NEWEST, {"anthropic_version": ...}, VERTEX_TOKEN, None, "anthropic_version: Field"),
        (NEWEST, {"anthropic_version": OLDER}, VERTEX_TOKEN, None, "anthropic_version: Input"),
        (NEWEST, {"temperature": 1}, VERTEX_TOKEN, None, "`temperature` is deprecated for this"),
    ],
)
async def test_vertex_has_rules_of_its_own(
    service: AnthropicService,
    model: str,
    fields: dict[str, Any],
    token: str,
    status: str | None,
    message: str,
) -> None:
    usual = {"anthropic_version": "vertex-2023-10-16", "max_tokens": 9, "messages": HELLO}
    body = {name: value for name, value in (usual | fields).items() if value is not ...}
    response = await post(
        service, body, f"{VERTEX}/{model}:rawPredict", authorization=f"Bearer {token}"
    )
    error = response.json()["error"]
    assert error["message"].startswith(message)
    assert error.get("status") == status
    assert service.note_refusal().message == error["message"]


async def test_tokens_of_google_can_be_exchanged(service: AnthropicService) -> None:
    service.vertex_tokens = {"ya29.new"}
    body = {"anthropic_version": "vertex-2023-10-16", "max_tokens": 9, "messages": HELLO}
    path = f"{VERTEX}/{NEWEST}:rawPredict"
    assert (await post(service, body, path, authorization="Bearer ya29.new")).status_code == 200


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 413, 429, 500, 503, 529])
async def test_it_fails_as_it_is_told(
    direct: anthropic.AsyncAnthropic, service: AnthropicService, status: int
) -> None:
    service.refusals.append(Refusal(status, "Not now", headers={"retry-after": "7"}))
    with pytest.raises(anthropic.APIStatusError, match="Not now") as caught:
        await direct.messages.create(model=NEWEST, max_tokens=9, messages=HELLO)
    assert caught.value.status_code == status
    assert caught.value.response.headers["retry-after"] == "7"


async def test_the_sdk_tries_again_as_it_is_told(service: AnthropicService) -> None:
    soon = {"retry-after": "0.01"}
    service.refusals += [rate_limited(0.01), *(Refusal(n, "x", headers=soon) for n in (500, 529))]
    async with anthropic.AsyncAnthropic(
        base_url=service.base_url, api_key=KEY, max_retries=3
    ) as client:
        await client.messages.create(model=NEWEST, max_tokens=9, messages=HELLO)
    assert len(service.asked) == 4
    assert rate_limited().headers == {}


async def read(service: AnthropicService) -> str:
    """A stream as it comes over the wire."""
    body = changed({"stream": True}, max_tokens=9)
    return (await post(service, body)).text


async def test_a_stream_is_reset(service: AnthropicService) -> None:
    service.cuts.append(Cut(Fault.RESET))
    with pytest.raises(httpx.ReadError):
        await read(service)


async def test_a_stream_ends_without_an_end(service: AnthropicService) -> None:
    service.cuts.append(Cut(Fault.CLOSE, after=4))
    got = await read(service)
    assert got.count("\n\n") == 4
    assert "message_stop" not in got


async def test_a_stream_says_what_went_wrong(
    direct: anthropic.AsyncAnthropic, service: AnthropicService
) -> None:
    service.cuts.append(Cut(Fault.ERROR, after=3))
    with pytest.raises(anthropic.APIStatusError, match="overloaded_error"):
        async with direct.messages.stream(model=NEWEST, max_tokens=9, messages=HELLO) as stream:
            await stream.get_final_message()


async def test_a_stream_has_garbage_in_it(service: AnthropicService) -> None:
    service.cuts.append(Cut(Fault.GARBAGE))
    got = await read(service)
    assert '{"type": "content_\ufffd' in got
    assert got.endswith('data: {"type": "message_stop"}\n\n')


async def test_a_silent_stream_pings_when_the_test_says_so(service: AnthropicService) -> None:
    service.cuts.append(Cut(Fault.SILENCE, after=1))
    service.turns.append(Turn((text("At last"),), pings=()))
    for _ in range(3):
        service.ping()
    service.go_on()
    got = await read(service)
    assert got.count("event: ping") == 3
    assert got.index("event: ping") < got.index("content_block_start")


@pytest.mark.parametrize("fault", [Fault.STALL, Fault.SILENCE])
async def test_it_sees_that_a_client_has_left(
    direct: anthropic.AsyncAnthropic, service: AnthropicService, fault: Fault
) -> None:
    service.cuts.append(Cut(fault))
    stream = await direct.messages.create(model=NEWEST, max_tokens=9, messages=HELLO, stream=True)
    assert (await anext(aiter(stream))).type == "message_start"
    assert not service.left.is_set()
    await stream.close()
    async with asyncio.timeout(5):
        await service.left.wait()


async def test_it_sees_that_a_client_has_left_before_an_answer(
    direct: anthropic.AsyncAnthropic, service: AnthropicService
) -> None:
    service.gate.clear()
    asking = asyncio.create_task(direct.messages.create(model=NEWEST, max_tokens=9, messages=HELLO))
    async with asyncio.timeout(5):
        await service.arrived.wait()
        asking.cancel()
        await service.left.wait()


async def test_a_refusal_that_nobody_expected_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="invalid x-api-key"):
        async with anthropic_service() as service:
            await post(service, {}, x_api_key="sk-someone-elses")
