"""The official SDKs as people use them, with every kind of provider behind the router."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import openai
import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import BaseModel

from contract.matrix.features import (
    CALLS,
    CLAUDES,
    CLIENTS,
    FEATURES,
    GEMINIS,
    MESSAGES_TOOLS,
    PNG,
    UPSTREAMS,
    user,
)
from contract.matrix.world import World, model_of, world
from contract.services.stand_in import Call, Turn
from support.clouds import listening

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Colour(BaseModel):
    """What `parse` is asked for."""

    colour: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pictures() -> AsyncIterator[str]:
    """A site with a picture."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=base64.b64decode(PNG), content_type="image/png")

    async with listening(answer) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everything(pictures: str) -> AsyncIterator[World]:
    async with world(fetch_allowed_hosts=[pictures.removeprefix("http://")]) as found:
        yield found


@pytest.fixture
def chat(everything: World) -> openai.AsyncOpenAI:
    sdk: openai.AsyncOpenAI = everything.clients["chat"].sdk  # type: ignore[attr-defined]
    return sdk


@pytest.fixture
def claude(everything: World) -> anthropic.AsyncAnthropic:
    sdk: anthropic.AsyncAnthropic = everything.clients["messages"].sdk  # type: ignore[attr-defined]
    return sdk


@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_the_stream_helper_of_openai_sees_every_event(
    everything: World, chat: openai.AsyncOpenAI, upstream: str
) -> None:
    everything.script(upstream, Turn(text="Well then.", output_tokens=3))
    async with chat.chat.completions.stream(
        model=model_of(upstream), messages=[{"role": "user", "content": "Hi"}]
    ) as stream:
        deltas = [event.delta async for event in stream if event.type == "content.delta"]
        final = await stream.get_final_completion()
    assert "".join(deltas) == final.choices[0].message.content == "Well then."


@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_an_answer_is_parsed_into_a_model(
    everything: World, chat: openai.AsyncOpenAI, upstream: str
) -> None:
    everything.script(upstream, Turn(text='{"colour": "green"}'))
    completion = await chat.chat.completions.parse(
        model=model_of(upstream),
        messages=[{"role": "user", "content": "Which?"}],
        response_format=Colour,
    )
    assert completion.choices[0].message.parsed == Colour(colour="green")


@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_the_tools_of_openai_are_parsed(
    everything: World, chat: openai.AsyncOpenAI, upstream: str
) -> None:
    everything.script(upstream, Turn(calls=(Call("Colour", {"colour": "red"}),)))
    completion = await chat.chat.completions.parse(
        model=model_of(upstream),
        messages=[{"role": "user", "content": "Which?"}],
        tools=[openai.pydantic_function_tool(Colour)],
    )
    (call,) = completion.choices[0].message.tool_calls or []
    assert call.function.parsed_arguments == Colour(colour="red")


@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_anthropics_helper_sees_thinking_text_and_tools(
    everything: World, claude: anthropic.AsyncAnthropic, upstream: str
) -> None:
    thinks = upstream != "OpenAI"
    turn = Turn(
        thinking="Hm." if thinks else None,
        text="Let me look." if thinks else None,
        calls=(Call("weather", {"city": "Rome"}),),
    )
    everything.script(upstream, turn)
    extra: Any = {"thinking": {"type": "enabled", "budget_tokens": 1024}} if thinks else {}
    messages: Any = claude.messages
    async with messages.stream(
        model=model_of(upstream), max_tokens=3_000, messages=user(), tools=MESSAGES_TOOLS, **extra
    ) as stream:
        kinds = {event.type async for event in stream}
        message = await stream.get_final_message()
    (call,) = [block for block in message.content if block.type == "tool_use"]
    assert call.input == {"city": "Rome"}
    assert ("thinking" in kinds) == thinks
    assert message.stop_reason == "tool_use"


@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_tokens_are_counted_by_whoever_will_read_them(
    everything: World, claude: anthropic.AsyncAnthropic, upstream: str
) -> None:
    messages: Any = claude.messages.with_raw_response
    counted = await messages.count_tokens(
        model=model_of(upstream), messages=user(), system="Be terse.", tools=MESSAGES_TOOLS
    )
    estimated = counted.headers.get("x-airouter-estimated") == "true"
    assert estimated == (upstream == "OpenAI")
    tokens = (await counted.parse()).input_tokens
    assert tokens > 0 if estimated else tokens == 42


@pytest.mark.parametrize(
    ("model", "length"),
    [
        ("embed-openai", 1_536),
        ("embed-gemini", 2),
        ("embed-vertex", 2),
        ("embed-vertex-gemini", 2),
        ("embed-titan", 1_024),
        ("embed-cohere", 2),
    ],
)
async def test_texts_are_embedded_by_every_provider(
    chat: openai.AsyncOpenAI, model: str, length: int
) -> None:
    found = await chat.embeddings.create(model=model, input=["one", "two", "three"])
    assert [each.index for each in found.data] == [0, 1, 2]
    assert {len(each.embedding) for each in found.data} == {length}


@pytest.mark.parametrize("model", ["draw-gemini", "draw-vertex", "draw-imagen"])
async def test_pictures_are_drawn_by_google(chat: openai.AsyncOpenAI, model: str) -> None:
    found = await chat.images.generate(model=model, prompt="A cat", n=2, size="1024x1024")
    assert len(found.data or ()) == 2
    assert all(image.b64_json for image in found.data or ())


async def test_what_no_picture_can_be_is_refused_by_name(chat: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await chat.images.generate(model="draw-gemini", prompt="A cat", response_format="url")
    assert caught.value.param == "response_format"


@pytest.mark.parametrize("upstream", [each for each in UPSTREAMS if each not in CLAUDES])
async def test_a_picture_by_url_reaches_every_provider(
    everything: World, claude: anthropic.AsyncAnthropic, upstream: str, pictures: str
) -> None:
    """Where a provider takes bytes only, the router fetches them. Claude takes https itself."""
    source: Any = {"type": "image", "source": {"type": "url", "url": f"{pictures}/cat.png"}}
    text: Any = {"type": "text", "text": "What is this?"}
    everything.script(upstream, Turn(text="A cat."))
    await claude.messages.create(
        model=model_of(upstream),
        max_tokens=100,
        messages=[{"role": "user", "content": [text, source]}],
    )
    assert (PNG if upstream != "OpenAI" else "cat.png") in str(everything.asked(upstream))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x", "https://169.254.169.254/latest", "https://localhost/x"]
)
async def test_a_picture_inside_is_not_fetched(
    everything: World, chat: openai.AsyncOpenAI, url: str
) -> None:
    before = len(everything.journal("Gemini"))
    with pytest.raises(openai.BadRequestError):
        await chat.chat.completions.create(
            model="gemini",
            messages=[
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}
            ],
        )
    assert len(everything.journal("Gemini")) == before


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("upstream", GEMINIS)
async def test_a_client_that_takes_one_call_at_a_time_gets_one(
    everything: World, upstream: str, client: str, streamed: bool
) -> None:
    feature = next(each for each in FEATURES if each.name == "one tool at a time")
    body, sdk, model = getattr(feature, client), everything.clients[client], model_of(upstream)
    everything.script(upstream, Turn(calls=CALLS))
    heard = await sdk.ask(model, body, streamed=streamed)
    assert [name for _, name, _ in heard.calls] == ["weather"]
    everything.script(upstream, Turn(text="Sunny."))
    turns = "input" if client == "responses" else "messages"
    more = body | {turns: [*body[turns], *sdk.reply(heard, ["sunny"], None)]}
    assert (await sdk.ask(model, more, streamed=streamed)).text == "Sunny."
