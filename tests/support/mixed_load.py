"""Providers that answer, fail and break off, and clients that ask for all of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx

from failover.faulty import (
    OPENING,
    SAID,
    FaultyProvider,
    completion,
    http,
    refusing,
    say,
)
from support.http_client import http_client
from support.resources import MASTER_KEY, Object, routerconfig, secret

PRICE = {"input": "2", "cachedInput": "1", "output": "8"}
PAUSE = 0.2
"""Seconds between two requests of a client."""
TEAM, SPENDER, THROTTLED = "sk-team", "sk-spender", "sk-throttled"
BACKENDS = {
    "chat": ["mock"],
    "unpriced": ["mock"],
    "cached": ["cached"],
    "retried": ["down", "mock"],
    "dead": ["down"],
    "refused": ["refused", "mock"],
    "broken": ["broken", "mock"],
}
"""The credentials of each model, in the order in which they are tried."""


async def cache(writer: asyncio.StreamWriter, _: asyncio.Event) -> None:
    """Answer out of a cache, for the most part."""
    usage = {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105}
    details = {"prompt_tokens_details": {"cached_tokens": 80}}
    writer.write(http(200, {**completion("cached"), "usage": {**usage, **details}}))


async def break_off(writer: asyncio.StreamWriter, heard: asyncio.Event) -> None:
    """Begin a stream, and cut it once the client has heard something."""
    await say(writer, heard, OPENING, SAID)
    await heard.wait()
    heard.clear()
    writer.transport.abort()


class MixedProviders:
    """Four providers, each with a way of its own; a Mock stands beside them."""

    def __init__(self) -> None:
        self.each = {name: FaultyProvider(name) for name in ("cached", "down", "refused", "broken")}
        self.each["cached"].always = cache
        self.each["down"].always = refusing(503)
        self.each["refused"].always = refusing(401)
        self.each["broken"].always = break_off

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[MixedProviders]:
        async with contextlib.AsyncExitStack() as stack:
            for provider in self.each.values():
                await stack.enter_async_context(provider.listening())
            yield self

    def declared(self) -> list[Object]:
        """A RouterConfig with all of them, clients with a limit and a budget, and the Secret."""
        credentials: list[Object] = [
            {"name": "mock", "type": "Mock", "mock": {"reply": "tokens:20"}}
        ]
        for name, provider in self.each.items():
            given = {"name": name, "type": "OpenAICompatible", "baseURL": provider.base_url}
            credentials.append({**given, "secretRef": {"name": "keys", "key": "upstream"}})
        models = [
            {
                "name": name,
                "backends": [
                    {"credential": each, "priority": place} for place, each in enumerate(tried)
                ],
                **({} if name == "unpriced" else {"metadata": {"price": PRICE}}),
            }
            for name, tried in BACKENDS.items()
        ]
        config = routerconfig(*credentials, models={})
        config["spec"] |= {"models": models, "resilience": RESILIENCE}
        config["spec"]["auth"]["clients"] = [
            client("team"),
            client("spender", budget={"usd": "1000", "period": "Day"}),
            client("throttled", limits={"rpm": 1}),
        ]
        keys = {"team": TEAM, "spender": SPENDER, "throttled": THROTTLED}
        return [config, secret("keys", master=MASTER_KEY, upstream="sk-upstream", **keys)]


RESILIENCE: Object = {
    "onBrokenStream": "Continue",
    "fail2ban": {"banDuration": "1s", "maxBanDuration": "1s"},
    "retries": {"attempts": 2, "backoff": {"initial": "1ms", "max": "50ms"}},
}


def client(name: str, **fields: Any) -> Object:
    """A client whose key is in the Secret `keys`."""
    return {"name": name, "secretRef": {"name": "keys", "key": name}, **fields}


class MixedClients:
    """Clients that ask a router for everything, one request after the other."""

    def __init__(self, base_url: str, providers: MixedProviders) -> None:
        self._base_url = base_url
        self._providers = providers

    @contextlib.asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """While this lasts, they ask."""
        kinds = (self._chats, self._streams, self._breaks, self._others)
        async with http_client(base_url=self._base_url, trust_env=False) as http_:
            asking = [asyncio.create_task(for_ever(kind, http_)) for kind in kinds]
            try:
                yield
            finally:
                for task in asking:
                    task.cancel()
                for outcome in await asyncio.gather(*asking, return_exceptions=True):
                    assert isinstance(outcome, asyncio.CancelledError), outcome

    async def _chats(self, http_: httpx.AsyncClient) -> None:
        for model in BACKENDS.keys() - {"broken"}:
            await http_.post("/v1/chat/completions", json=chat(model), headers=by(TEAM))
        for key in (SPENDER, THROTTLED):
            await http_.post("/v1/chat/completions", json=chat("chat"), headers=by(key))

    async def _streams(self, http_: httpx.AsyncClient) -> None:
        body = chat("chat", stream=True)
        await http_.post("/v1/chat/completions", json=body, headers=by(MASTER_KEY))

    async def _breaks(self, http_: httpx.AsyncClient) -> None:
        """Have a stream break off once a piece of it is here, and hear the rest."""
        body, heard = chat("broken", stream=True), self._providers.each["broken"].heard
        headers = by(MASTER_KEY)
        async with http_.stream("POST", "/v1/chat/completions", json=body, headers=headers) as told:
            async for line in told.aiter_lines():
                if "half of " in line:
                    heard.set()

    async def _others(self, http_: httpx.AsyncClient) -> None:
        for path in ("/v1/models", "/nowhere"):
            await http_.get(path, headers=by(MASTER_KEY))


async def for_ever(
    ask: Callable[[httpx.AsyncClient], Awaitable[None]], http_: httpx.AsyncClient
) -> None:
    """Ask, with a pause after each round, until it is cancelled."""
    while True:
        await ask(http_)
        await asyncio.sleep(PAUSE)


def chat(model: str, **fields: Any) -> Object:
    """A chat that says hello."""
    return {"model": model, "messages": [{"role": "user", "content": "Hello!"}], **fields}


def by(key: str) -> dict[str, str]:
    """The header of a client."""
    return {"authorization": f"Bearer {key}"}
