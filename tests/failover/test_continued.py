"""Streams that break in their middle and are continued, seen by the official SDKs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx
import openai
import pytest
from websockets.asyncio.client import connect

from failover.narrator import BREAKS, Break, Narrator, cut, stall
from support.config import MASTER_KEY, manifest
from support.goers_on import Script, chat_stream, cut_in, ends_with_the_model
from support.in_loop import Served, served
from support.sdks import anthropic_sdk, openai_sdk

TEXT = "Es  regnet\n\n heute «nicht» 🌧, \t sagt man.\n\n1. Morgen\n2. Übermorgen: \n"
STORY = Script(TEXT)
CALLS = (("weather", '{"city":"Bern"}'), ("weather", '{"city":"Basel"}'))
CALLING = Script("Let me look. ", calls=CALLS)
HELLO: Any = [{"role": "user", "content": "Hello!"}]
TYPES = {"compatible": "OpenAICompatible", "messages": "Anthropic"}
APIS = pytest.mark.parametrize("api", ["chat", "messages", "responses", "session"])
PAIRS = pytest.mark.parametrize(
    ("first", "second"), [("compatible", "messages"), ("messages", "compatible")]
)
EACH_BREAK = pytest.mark.parametrize("broken", BREAKS.values(), ids=BREAKS.keys())
LOG: dict[str, object] = {"access_log": True}
QUICK = {"initial": "0s"}
CONTINUE = {"onBrokenStream": "Continue"}
FAILED = (openai.APIError, anthropic.APIError, httpx.RemoteProtocolError, RuntimeError)


class Stage:
    """Two narrators behind a router, and what the clients of each API get of them."""

    def __init__(self, first: Narrator, second: Narrator, router: Served) -> None:
        self.first = first
        self.second = second
        self.router = router
        base_url = f"http://127.0.0.1:{router.port}"
        self.openai = openai_sdk(f"{base_url}/v1")
        self.anthropic = anthropic_sdk(base_url)

    @property
    def asked(self) -> tuple[int, int]:
        return len(self.first.bodies), len(self.second.bodies)

    async def tell(self, api: str, **fields: Any) -> str:
        """Return the text of an answer, of whose stream the SDK finds nothing wrong."""
        ways = {
            "chat": self._chat,
            "messages": self._messages,
            "responses": self._responses,
            "session": self._session,
        }
        return await ways[api](**fields)

    async def _chat(self, **fields: Any) -> str:
        text, ids = "", set()
        create = self.openai.chat.completions.create
        async for piece in await create(model="m", messages=HELLO, stream=True, **fields):
            ids.add((piece.id, piece.model, piece.created))
            text += self._heard(piece.choices[0].delta.content or "")
        assert len(ids) == 1
        return text

    async def _messages(self, **fields: Any) -> str:
        kept = {"model": "m", "max_tokens": 900, "messages": HELLO} | fields
        async with self.anthropic.messages.stream(**kept) as answer:
            text = "".join([self._heard(piece) async for piece in answer.text_stream])
            message = await answer.get_final_message()
        (block,) = message.content
        assert block.type == "text"
        assert block.text == text
        assert message.stop_reason == "end_turn"
        return text

    async def _responses(self, **fields: Any) -> str:
        async with self.openai.responses.stream(model="m", input="Hello!", **fields) as answer:
            numbers = []
            async for event in answer:
                numbers.append(event.sequence_number)
                if event.type == "response.output_text.delta":
                    self._heard(event.delta)
            response = await answer.get_final_response()
        assert numbers == list(range(len(numbers)))
        assert len(response.output) == 1
        return response.output_text

    async def _session(self, **fields: Any) -> str:
        body = {"type": "response.create", "model": "m", "input": "Hello!", **fields}
        async with connect(
            f"ws://127.0.0.1:{self.router.port}/v1/responses",
            additional_headers={"authorization": f"Bearer {MASTER_KEY}"},
            proxy=None,
        ) as socket:
            await socket.send(json.dumps(body))
            async for message in socket:
                event = json.loads(message)
                self._heard(event.get("delta", ""))
                if event["type"] == "error":
                    raise RuntimeError(event)
                if event["type"] == "response.completed":
                    (item,) = event["response"]["output"]
                    return str(item["content"][0]["text"])
        raise RuntimeError("no end")

    def _heard(self, piece: str) -> str:
        if piece:
            self.first.heard.set()
            self.second.heard.set()
        return piece

    async def aclose(self) -> None:
        await self.openai.close()
        await self.anthropic.close()


def config(
    narrators: tuple[Narrator, Narrator], resilience: dict[str, Any], native: str | None, idle: str
) -> str:
    """A model with both of them, of which one may speak Responses itself."""
    credentials = [
        {
            "name": each.name,
            "type": TYPES[each.dialect],
            "baseURL": each.base_url,
            "secretRef": {"name": "keys", "key": "upstream"},
            "priority": number,
            "timeouts": {"idle": idle},
            **({"api": ["responses"]} if each.name == native else {}),
        }
        for number, each in enumerate(narrators)
    ]
    backends = [
        {"credential": each.name, "upstreamName": "claude-sonnet-4-5"} for each in narrators
    ]
    models = [{"name": "m", "backends": backends}]
    return manifest(credentials, models, secrets={"upstream": "k"}, resilience=resilience)


@contextlib.asynccontextmanager
async def stage(
    first: str = "compatible",
    second: str = "compatible",
    script: Script = STORY,
    native: str | None = None,
    idle: str = "60s",
    **resilience: Any,
) -> AsyncIterator[Stage]:
    async with (
        Narrator("first", first, script).listening() as one,
        Narrator("second", second, script).listening() as two,
        served(config((one, two), CONTINUE | resilience, native, idle), **LOG) as router,
        contextlib.aclosing(Stage(one, two, router)) as found,
    ):
        yield found


@APIS
@PAIRS
@EACH_BREAK
async def test_a_stream_that_breaks_is_continued_by_another_provider(
    broken: Break, first: str, second: str, api: str
) -> None:
    idle = "300ms" if broken is stall else "60s"
    async with stage(first, second, idle=idle) as found:
        found.first.break_after(42, broken)
        assert await found.tell(api) == TEXT
        assert found.asked == (1, 1)
        assert found.second.said_at_last() == TEXT[:42].rstrip()


@APIS
async def test_a_stream_that_breaks_again_and_again_is_continued_by_whoever_is_left(
    api: str,
) -> None:
    async with stage("messages", "compatible", retries={"backoff": {"initial": "0s"}}) as found:
        found.first.break_after(14, cut)
        found.second.breaks.append((cut_in(STORY, "compatible", said=7), cut))
        assert await found.tell(api) == TEXT
        assert sum(found.asked) == 3


@APIS
async def test_by_default_the_client_of_a_broken_stream_is_told(api: str) -> None:
    async with stage(onBrokenStream="Error") as found:
        found.first.break_after(42, cut)
        with pytest.raises(FAILED):
            await found.tell(api)
        assert found.asked == (1, 0)


@APIS
async def test_a_stream_that_nobody_can_continue_ends_in_an_error(api: str) -> None:
    async with stage(retries={"attempts": 0}) as found:
        found.first.break_after(42, cut)
        found.second.status = 503
        with pytest.raises(FAILED):
            await found.tell(api)
        assert found.asked == (1, 1)


@APIS
async def test_a_provider_that_refuses_a_prefill_is_told_in_words(api: str) -> None:
    async with stage("compatible", "messages") as found:
        found.first.break_after(42, cut)
        found.second.refuses_prefill = True
        assert await found.tell(api) == TEXT
        assert [ends_with_the_model(body) for body in found.second.bodies] == [True, False]


@pytest.mark.parametrize("fields", [{"n": 2}, {"response_format": {"type": "json_object"}}])
async def test_what_one_stream_alone_can_give_is_not_continued(fields: dict[str, Any]) -> None:
    async with stage() as found:
        found.first.break_after(42, cut)
        with pytest.raises(FAILED):
            await found.tell("chat", **fields)
        assert found.asked == (1, 0)


async def test_a_conversation_that_a_server_keeps_is_not_continued() -> None:
    async with stage() as found:
        stream = await found.openai.responses.create(model="m", input="Hi", stream=True)
        ids = [event.response.id async for event in stream if event.type == "response.completed"]
        found.first.script = Script(TEXT + TEXT)  # the second half is the second answer
        found.first.break_after(42, cut)
        with pytest.raises(FAILED):
            await found.tell("responses", previous_response_id=ids[0])
        assert found.asked == (2, 0)


async def test_a_provider_that_keeps_responses_itself_continues_none() -> None:
    async with stage(native="second", retries={"attempts": 0}) as found:
        found.first.break_after(42, cut)
        with pytest.raises(FAILED):
            await found.tell("responses")
        assert found.asked[1] == 0


async def test_the_answer_that_was_joined_is_the_one_that_is_stored() -> None:
    async with stage("messages", "compatible") as found:
        found.first.break_after(42, cut)
        create = found.openai.responses.create
        found.first.heard.set()
        stream = await create(model="m", input="Hello!", stream=True)
        ended = [event.response async for event in stream if event.type == "response.completed"]
        stored = await found.openai.responses.retrieve(ended[0].id)
        assert stored.output_text == ended[0].output_text == TEXT
        assert stored.usage == ended[0].usage
        assert stored.usage is not None
        assert stored.usage.input_tokens == 200


async def test_calls_that_are_whole_end_the_answer_and_half_ones_are_begun_anew() -> None:
    tool: Any = {"type": "function", "function": {"name": "weather", "parameters": {}}}
    for before in (b"weather", b"Basel"):
        async with stage("compatible", "messages", CALLING) as found:
            create = found.openai.chat.completions.create
            found.first.breaks.append((chat_stream(CALLING).index(before), cut))
            calls: dict[int, str] = {}
            reason = None
            async for piece in await create(model="m", messages=HELLO, tools=[tool], stream=True):
                for call in piece.choices[0].delta.tool_calls or ():
                    arguments = call.function.arguments if call.function else ""
                    calls[call.index] = calls.get(call.index, "") + (arguments or "")
                reason = piece.choices[0].finish_reason or reason
                found.first.heard.set()
            assert reason == "tool_calls"
            expected = [json.loads(arguments) for _, arguments in CALLS]
            found_calls = [json.loads(calls[number]) for number in sorted(calls)]
            assert found_calls == (expected if before == b"weather" else expected[:1])


async def test_the_log_tells_how_many_went_on_and_what_it_cost(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with stage() as found:
        found.first.break_after(42, cut)
        assert await found.tell("chat") == TEXT
    (line,) = (json.loads(each) for each in capfd.readouterr().out.splitlines())
    assert (line["continued"], line["attempts"], line["error"]) == (1, 2, None)
    said = -(-len(TEXT[:42].encode()) // 4)
    assert line["output_tokens"] == said + 10
    assert line["input_tokens"] > 100


@APIS
async def test_a_second_attempt_that_was_quicker_and_broke_is_continued_too(api: str) -> None:
    resilience: Any = {"hedge": {"after": "50ms", "percent": 100}, "retries": {"backoff": QUICK}}
    async with stage("compatible", "messages", **resilience) as found:
        found.first.break_after(0, stall)
        found.second.break_after(42, cut)
        assert await found.tell(api) == TEXT
        assert sum(found.asked) == 3
