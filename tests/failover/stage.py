"""Two providers behind a router, in the two shapes of failover, and the clients of three APIs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from failover.faulty import FaultyProvider
from support.config import manifest
from support.in_loop import served
from support.sdks import anthropic_sdk, openai_sdk

SHAPES = pytest.mark.parametrize("shape", ["fallback", "backends"])
HELLO = [{"role": "user", "content": "Hello!"}]
PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}
CLIENTS = pytest.mark.parametrize("api", ["chat", "responses", "messages"])


def body_for(api: str) -> dict[str, Any]:
    """A request for a stream."""
    if api == "responses":
        return {"model": "m", "input": "Hello!", "stream": True}
    return {"model": "m", "messages": HELLO, "max_tokens": 9, "stream": True}


class Stage:
    """A first provider and a second one, and what a client gets of them."""

    def __init__(self, first: FaultyProvider, second: FaultyProvider, base_url: str) -> None:
        self.first = first
        self.second = second
        self.base_url = base_url
        self._openai = openai_sdk(f"{base_url}/v1")
        self._anthropic = anthropic_sdk(base_url)

    async def ask(self, *, streamed: bool = False, **fields: Any) -> str:
        """Return who answers a chat."""
        if not streamed:
            return (await self.whole(**fields)).choices[0].message.content or ""
        text = ""
        messages: Any = HELLO
        create = self._openai.chat.completions.create
        async for chunk in await create(model="m", messages=messages, stream=True, **fields):
            text += self._heard(chunk.choices[0].delta.content or "")
        return text

    async def whole(self, **fields: Any) -> ChatCompletion:
        """Return the whole answer to a chat."""
        messages: Any = HELLO
        create = self._openai.chat.completions.create
        answer: ChatCompletion = await create(model="m", messages=messages, **fields)
        return answer

    async def stream(self, api: str) -> str:
        """Return who answers a stream of an API. Raises what the SDK of that raises."""
        if api == "chat":
            return await self.ask(streamed=True)
        text = ""
        if api == "responses":
            async with self._openai.responses.stream(model="m", input="Hello!") as responses:
                async for event in responses:
                    if event.type == "response.output_text.delta":
                        text += self._heard(event.delta)
                await responses.get_final_response()
            return text
        messages: Any = HELLO
        async with self._anthropic.messages.stream(
            model="m", max_tokens=9, messages=messages
        ) as answer:
            async for piece in answer.text_stream:
                text += self._heard(piece)
            assert (await answer.get_final_message()).stop_reason == "end_turn"
        return text

    def _heard(self, piece: str) -> str:
        if piece:
            self.first.heard.set()
        return piece

    async def aclose(self) -> None:
        """Close the clients."""
        await self._openai.close()
        await self._anthropic.close()


def config(
    first: FaultyProvider,
    second: FaultyProvider,
    shape: str,
    timeouts: dict[str, str],
    *,
    alike: bool,
    **resilience: Any,
) -> str:
    """One model with two backends, or with a fallback that has the second.

    The second has the timeouts only where both are alike: a loaded machine may keep it as long.
    """
    credentials = [
        {
            "name": each.name,
            "type": "OpenAICompatible",
            "baseURL": each.base_url,
            "secretRef": {"name": "keys", "key": "upstream"},
            "priority": number,
            "timeouts": timeouts if alike or not number else {},
        }
        for number, each in enumerate((first, second))
    ]
    backends = [{"credential": each.name} for each in (first, second)]
    models: list[dict[str, Any]] = [{"name": "m", "backends": backends}]
    if shape == "fallback":
        models = [
            {"name": "m", "backends": backends[:1], "fallbacks": ["other"]},
            {"name": "other", "backends": backends[1:]},
        ]
    return manifest(credentials, models, secrets={"upstream": "k"}, resilience=resilience)


@contextlib.asynccontextmanager
async def stage(
    shape: str,
    timeouts: dict[str, str] | None = None,
    *,
    alike: bool = False,
    **resilience: Any,
) -> AsyncIterator[Stage]:
    """Serve both providers in a shape."""
    async with (
        FaultyProvider("first").listening() as first,
        FaultyProvider("second").listening() as second,
        served(config(first, second, shape, timeouts or {}, alike=alike, **resilience)) as router,
        contextlib.aclosing(Stage(first, second, f"http://127.0.0.1:{router.port}")) as found,
    ):
        yield found
