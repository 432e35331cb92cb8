"""What clients carry: who can open it, and what becomes of it when it does not open."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import BadRequestError

from airouter.dialects.provenance import MARK as PACKED
from airouter.responses.sealed import MARK, Compacted, Seals
from airouter.sealing import LONGEST, Sealer
from support.config import manifest
from support.in_loop import served
from support.mock_router import MODEL, client_of, serving, two_tenants

OLD, NEW = "an-old-key", "a-new-key"


def compaction(sealer: Sealer, tenant: str, text: str) -> Any:
    items = [{"type": "message", "role": "user", "content": text}]
    compacted = Compacted(msgspec.Raw(json.dumps(items).encode()))
    return {
        "type": "compaction",
        "id": "cmp_1",
        "encrypted_content": Seals(sealer, tenant).seal_compacted(compacted),
    }


def test_what_is_sealed_opens_again_and_never_looks_the_same() -> None:
    sealer = Sealer([NEW])
    one, two = (sealer.seal(b"secret", "reasoning", "a") for _ in range(2))
    assert one != two
    assert "secret" not in one
    assert sealer.open(one, "reasoning", "a") == b"secret"


def test_the_newest_key_seals_and_every_key_opens() -> None:
    word = Sealer([OLD]).seal(b"x", "p", "a")
    rotated = Sealer([NEW, OLD])
    assert rotated.open(word, "p", "a") == b"x"
    assert Sealer([OLD]).open(rotated.seal(b"x", "p", "a"), "p", "a") is None
    assert Sealer([NEW]).open(rotated.seal(b"x", "p", "a"), "p", "a") == b"x"


def test_it_opens_for_its_tenant_and_its_purpose_only() -> None:
    sealer = Sealer([NEW])
    word = sealer.seal(b"x", "reasoning", "a")
    assert sealer.open(word, "reasoning", "b") is None
    assert sealer.open(word, "compaction", "a") is None
    assert Sealer([]).open(word, "reasoning", "a") is None


@given(st.data())
def test_a_word_that_was_changed_anywhere_does_not_open(data: st.DataObject) -> None:
    sealer = Sealer([NEW])
    word = sealer.seal(b"some content", "p", "a")
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from("ABCxyz019-_"))
    changed = word[:at] + letter + word[at + 1 :]
    opened = sealer.open(changed, "p", "a")
    assert opened is None or changed == word or (at == len(word) - 1 and opened == b"some content")


@given(st.text(max_size=200))
def test_nonsense_does_not_open(word: str) -> None:
    assert Sealer([NEW]).open(word, "p", "a") is None


def test_a_word_of_any_length_is_bounded() -> None:
    assert Sealer([NEW]).open("A" * (LONGEST + 1), "p", "a") is None


def test_the_same_content_of_a_response_is_sealed_once() -> None:
    packed = f'"encrypted_content":"{PACKED}abc"'.encode()
    seals = Seals(Sealer([NEW]), "a")
    assert seals.seal(b"{" + packed + b"}")[1:-1] == seals.seal(packed)
    assert PACKED.encode() not in seals.seal(packed)


async def test_a_compaction_opens_on_another_replica_that_has_the_key() -> None:
    sealing = {"responses": {"sealing": {"keys": [{"secretRef": {"name": "keys", "key": "s"}}]}}}
    config = manifest(
        [{"name": "mock", "type": "Mock"}],
        [{"name": MODEL, "backends": [{"credential": "mock"}]}],
        secrets={"s": NEW},
        **sealing,
    )
    async with serving(config) as (_, one), serving(config) as (_, two):
        made = await one.responses.compact(model=MODEL, input="one two three")
        items: Any = [item.to_dict(warnings=False) for item in made.output]
        assert [item["type"] for item in items] == ["message", "compaction"]
        assert made.usage.input_tokens > 3
        answer = await two.responses.create(model=MODEL, input=[*items, user("Go on")])
        assert answer.usage is not None
        assert answer.usage.input_tokens > 5


def user(text: str) -> Any:
    return {"role": "user", "content": text}


async def test_a_compaction_that_does_not_open_is_refused_whyever() -> None:
    own = Sealer([NEW])
    good = compaction(own, "client/a", "hidden")
    tampered: Any = {**good, "encrypted_content": good["encrypted_content"][:-4] + "AAAA"}
    foreign: Any = {**good, "encrypted_content": "gAAAAA-of-somebody-else"}
    plain: Any = {**good, "encrypted_content": f"{PACKED}eJwrSS0uAQAEXQHB"}
    told = set()
    async with served(two_tenants()) as router, client_of(router, "sk-tenant-b") as client:
        router.router.responses.sealer = own
        items: list[Any] = [good, tampered, foreign, plain]
        for item in items:
            with pytest.raises(BadRequestError) as caught:
                await client.responses.create(model=MODEL, input=[item, user("Hi")])
            told.add((caught.value.code, caught.value.param, str(caught.value.body)))
        async with client_of(router, "sk-tenant-a") as owner:
            opened = await owner.responses.create(model=MODEL, input=[good, user("Hi")])
            assert opened.usage is not None
            assert opened.usage.input_tokens == 2
    assert len(told) == 1
    assert told.pop()[:2] == ("invalid_encrypted_content", "input[0]")


async def test_reasoning_that_does_not_open_stays_behind() -> None:
    word = MARK + Sealer([OLD]).seal(b"x", "reasoning", "master")
    forged = f"{PACKED}eJwrSS0uAQAEXQHB"
    items: list[Any] = [
        {"type": "reasoning", "id": f"rs_{n}", "summary": [], "encrypted_content": content}
        for n, content in enumerate((word, forged, "gAAAAA-of-openai"))
    ]
    async with serving() as (_, client):
        answer = await client.responses.create(model=MODEL, input=[*items, user("Hi there")])
    assert answer.usage is not None
    assert answer.usage.input_tokens == 2


async def test_a_mark_that_json_escapes_is_a_mark() -> None:
    own = Sealer([NEW])
    good = compaction(own, "client/a", "hidden")
    async with served(two_tenants()) as router:
        router.router.responses.sealer = own
        body = json.dumps({"model": MODEL, "input": [good, user("Hi")]})
        told = []
        for written in (body, body.replace("__airouter", r"\u005f\u005fairouter")):
            headers = {"authorization": "Bearer sk-tenant-b"}
            answer = await router.client.post("/v1/responses", content=written, headers=headers)
            told.append((answer.status_code, answer.json()["error"]["code"]))
        headers = {"authorization": "Bearer sk-tenant-a"}
        opened = await router.client.post("/v1/responses", content=written, headers=headers)
    assert told == [(400, "invalid_encrypted_content")] * 2
    assert opened.json()["usage"]["input_tokens"] == 2
