"""A provider is a row, or a row and a file: nothing else of the router knows one from another."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from airouter.config.compile import compile_config
from airouter.config.loader import load_config
from airouter.config.providers import PROVIDER_TYPES, OwnBlock, ProviderType, SecretKind
from airouter.providers.base import Provider
from airouter.providers.openai import OpenAICompatible
from airouter.providers.registry import load_provider, load_providers
from support.config import manifest
from support.in_loop import Served, compiled, served
from support.manifests import credential, document
from support.raw_upstream import RawUpstream, raw_upstream
from unit.providers.made_up import signature

MODEL = {"name": "m", "backends": [{"credential": "c", "upstreamName": "theirs"}]}
CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "theirs",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    ],
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "theirs",
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}


def two_words(secret: str) -> None:
    if len(secret.split()) != 2:
        raise ValueError("is not two words")


async def exchanged(
    router: Served, upstream: RawUpstream, answer: dict[str, Any]
) -> tuple[bytes, httpx.Response]:
    """What a provider was asked, and what the client got."""
    asking = asyncio.create_task(router.chat())
    connection = await upstream.accept()
    asked = await connection.request()
    data = json.dumps(answer).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n"
    await connection.say(head.encode() + b"\r\n" + data)
    return asked, await asking


async def test_a_provider_that_speaks_openais_api_is_a_row() -> None:
    async with raw_upstream() as upstream:
        url = f"http://127.0.0.1:{upstream.port}/inference/v1"
        row = ProviderType("Hearsay", trace_name="hearsay", base_url=url, api=("chat",))
        declared = {"name": "c", "type": "Hearsay", "secretRef": {"name": "keys", "key": "theirs"}}
        text = manifest([declared], [MODEL], secrets={"theirs": "sk-hearsay"})
        async with served(text, {**PROVIDER_TYPES, "Hearsay": row}) as router:
            asked, answer = await exchanged(router, upstream, CHAT)
    head, _, body = asked.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /inference/v1/chat/completions HTTP/1.1\r\n")
    assert b"authorization: Bearer sk-hearsay" in head.split(b"\r\n")
    assert json.loads(body)["model"] == "theirs"
    assert answer.json()["choices"][0]["message"]["content"] == "Hi"


async def test_one_with_an_identity_and_a_place_of_its_own_is_a_row_and_a_file() -> None:
    row = ProviderType(
        "MadeUp",
        trace_name="made_up",
        finds_url=True,
        api=("chat",),
        api_is_fixed=True,
        secret=SecretKind("words", two_words, "two words"),
        adapter="unit.providers.made_up:MadeUp",
    )
    async with raw_upstream() as upstream:
        declared = {
            "name": "c",
            "type": "MadeUp",
            "labels": {"port": str(upstream.port)},
            "secretRef": {"name": "keys"},
        }
        text = manifest([declared], [MODEL], secrets={"words": "open sesame"})
        async with served(text, {**PROVIDER_TYPES, "MadeUp": row}) as router:
            asked, answer = await exchanged(router, upstream, MESSAGE)
    head, _, body = asked.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /made/up/ask/theirs HTTP/1.1\r\n")
    assert b"x-signature: " + signature(b"open sesame", body) in head.split(b"\r\n")
    assert json.loads(body)["model"] == "theirs"
    assert answer.json()["choices"][0]["message"]["content"] == "Hi"


def test_a_row_says_what_a_credential_may_declare() -> None:
    row = ProviderType(
        "MadeUp", "made_up", api_is_fixed=True, block=OwnBlock("gcp", required="{location: here}")
    )
    types = {"MadeUp": row, "Other": ProviderType("Other", "other")}

    def found(**fields: Any) -> list[str]:
        reading = load_config(document(credentials=[credential(**fields)], models=[]), types=types)
        assert reading.config is not None
        compiled = compile_config(reading.config, {}, reading.dropped, types)
        return [str(each) for each in (*reading.findings, *compiled.findings)]

    assert "type: is not a known value" in found(type="OpenAI")[0]
    assert "MadeUp, Other" in found(type="OpenAI")[0]
    assert "baseURL: is required for type MadeUp" in found(type="MadeUp", baseURL=None)[0]
    assert "api: is fixed for type MadeUp" in found(type="MadeUp", api=["chat"])[0]
    assert "gcp: is required for type MadeUp" in found(type="MadeUp")[0]
    assert "only" in found(type="Other", gcp={"location": "here"})[0]


def test_every_row_has_a_provider() -> None:
    providers = load_providers()
    assert {name: provider.row.name for name, provider in providers.items()} == {
        name: name for name in PROVIDER_TYPES
    }
    assert type(providers["OpenAICompatible"]) is OpenAICompatible


@pytest.mark.parametrize("row", PROVIDER_TYPES.values(), ids=lambda row: row.name)
def test_a_row_says_where_its_api_is_in_one_way(row: ProviderType) -> None:
    found = type(load_provider(row)).base_url is not Provider.base_url
    assert [row.base_url is not None, row.finds_url, row.needs_url].count(True) == 1
    assert found == row.finds_url


@pytest.mark.parametrize("adapter", ["airouter.providers.base:reported_error", "builtins:dict"])
def test_an_adapter_that_is_no_provider_stops_the_router(adapter: str) -> None:
    with pytest.raises(TypeError, match="the adapter of Wrong is not a Provider"):
        load_provider(ProviderType("Wrong", "wrong", adapter=adapter))


async def test_a_type_of_a_newer_version_leaves_out_its_credential_alone() -> None:
    row = ProviderType("Newer", "newer", base_url="https://newer.example")
    declared = [{"name": "c", "type": "Mock"}, {"name": "n", "type": "Newer"}]
    text = manifest(declared, [MODEL])
    known = {**PROVIDER_TYPES, "Newer": row}
    async with served(None) as older:
        assert older.router.store.offer(compiled(text, known), "test")
        assert set(older.router.unusable()) == {"n"}
        assert (await older.chat()).status_code == 200
