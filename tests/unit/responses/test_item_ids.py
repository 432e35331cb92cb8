"""Items that a provider keeps: only those to whom it told them may name them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from airouter.responses.item_ids import ItemIds, names_items, without_tags
from airouter.sealing import Sealer
from support.config import manifest
from support.in_loop import Served, served
from support.raw_upstream import RawUpstream, raw_upstream

SEALER = Sealer(["0" * 64])
MESSAGE, REASONING = "msg_" + "0a" * 24, "rs_" + "1b" * 24
SAID = {"type": "output_text", "text": "Hi", "annotations": []}
RESPONSE: dict[str, Any] = {
    "id": "resp_" + "2c" * 24,
    "object": "response",
    "metadata": {"id": "pi_3MtwBwLkdIwHu7ix28a3tqPa0123456789"},
    "output": [
        {"type": "reasoning", "id": REASONING, "summary": []},
        {"type": "message", "id": MESSAGE, "role": "assistant", "content": [SAID]},
    ],
}
LOOKED_UP: list[dict[str, Any]] = [
    {"type": "item_reference", "id": MESSAGE},
    {"id": MESSAGE},
    {"type": "reasoning", "id": REASONING, "summary": []},
    {"type": "reasoning", "id": REASONING, "summary": [], "encrypted_content": None},
    {"type": "image_generation_call", "id": "ig_" + "3d" * 24},
]
WHOLE: list[dict[str, Any]] = [
    {"type": "message", "id": MESSAGE, "role": "assistant", "content": [SAID]},
    {"type": "reasoning", "id": REASONING, "summary": [], "encrypted_content": "gAAAA"},
    {"type": "function_call", "id": "fc_" + "4e" * 24, "call_id": "c", "name": "f"},
    {"type": "image_generation_call", "id": "ig_" + "3d" * 24, "result": "iVBO"},
]


def config(upstream: RawUpstream) -> str:
    """Two tenants who share an account of OpenAI."""
    credential = {
        "name": "c",
        "type": "OpenAI",
        "baseURL": f"http://127.0.0.1:{upstream.port}/v1",
        "secretRef": {"name": "keys", "key": "upstream"},
    }
    model = {"name": "m", "backends": [{"credential": "c", "upstreamName": "real-m"}]}
    clients = [
        {"name": name, "secretRef": {"name": "keys", "key": name}} for name in ("ours", "theirs")
    ]
    keys = {"upstream": "sk-upstream", "ours": "sk-ours", "theirs": "sk-theirs"}
    return manifest([credential], [model], secrets=keys).replace(
        '"auth": {', f'"auth": {{"clients": {json.dumps(clients)},'
    )


async def ask(router: Served, key: str, input_: Any, **fields: Any) -> httpx.Response:
    return await router.client.post(
        "/v1/responses",
        json={"model": "m", "input": input_, **fields},
        headers={"authorization": f"Bearer {key}"},
    )


async def asked(
    router: Served, upstream: RawUpstream, input_: Any, **fields: Any
) -> tuple[Any, dict[str, Any]]:
    """The input that the provider is sent, and the answer to the client."""
    task = asyncio.create_task(ask(router, "sk-ours", input_, **fields))
    provider = await upstream.accept()
    request = await provider.request()
    body = json.dumps(RESPONSE).encode()
    head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d" % len(body)
    await provider.say(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n%b" % (head, body))
    return json.loads(request.partition(b"\r\n\r\n")[2])["input"], (await task).json()


async def test_an_item_is_named_by_whom_it_was_told_to_and_by_nobody_else() -> None:
    async with raw_upstream() as upstream, served(config(upstream)) as router:
        _, told = await asked(router, upstream, "Hi")
        ids = [item["id"] for item in told["output"]]
        assert max(map(len, ids)) <= 64
        assert told["id"].startswith("resp_pin")
        assert told["metadata"] == RESPONSE["metadata"]
        references = [{"type": "item_reference", "id": id_} for id_ in ids]
        sent, _ = await asked(router, upstream, references)
        assert [item["id"] for item in sent] == [REASONING, MESSAGE]
        for stolen in (references, [{"type": "item_reference", "id": MESSAGE}]):
            refused = await ask(router, "sk-theirs", stolen)
            assert refused.status_code == 400
            assert refused.json()["error"]["param"] == "input[0]"
            assert refused.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("store", [True, False])
async def test_items_that_come_back_whole_have_the_ids_of_their_provider(*, store: bool) -> None:
    async with raw_upstream() as upstream, served(config(upstream)) as router:
        _, told = await asked(router, upstream, "Hi")
        said = [{"role": "user", "content": "Hi"}, *told["output"]]
        sent, _ = await asked(router, upstream, said, store=store)
        assert sent == [said[0], *RESPONSE["output"]]
        approval = {"type": "mcp_approval_response", "approval_request_id": told["output"][1]["id"]}
        sent, _ = await asked(router, upstream, [approval], store=store)
        assert sent[0]["approval_request_id"] == MESSAGE


@pytest.mark.parametrize("item", LOOKED_UP)
async def test_an_item_without_its_content_is_not_looked_up_for_a_stranger(
    item: dict[str, Any],
) -> None:
    async with raw_upstream() as upstream, served(config(upstream)) as router:
        for store in (True, False):
            answer = await ask(router, "sk-theirs", [item], store=store)
            assert answer.status_code == 400, answer.text
            assert answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("item", WHOLE)
async def test_an_item_with_its_content_may_have_any_id(item: dict[str, Any]) -> None:
    async with raw_upstream() as upstream, served(config(upstream)) as router:
        sent, _ = await asked(router, upstream, [item])
    assert sent == [item]


def test_events_name_an_item_as_its_response_does() -> None:
    ids = ItemIds(SEALER, "t")
    delta = ids.tag(b'data: {"type":"x","item_id":"%b","delta":"y"}\n\n' % MESSAGE.encode())
    item = json.loads(ids.tag(json.dumps(RESPONSE).encode()))["output"][1]
    assert item["id"].encode() in delta
    assert without_tags(b'{"id":"%b"}' % item["id"].encode()) == b'{"id":"%b"}' % MESSAGE.encode()


def test_what_a_router_behind_this_one_has_tagged_gets_one_more() -> None:
    inner, outer = ItemIds(Sealer(["1" * 64]), "us"), ItemIds(SEALER, "t")
    theirs = inner.tag(b'{"id":"%b"}' % MESSAGE.encode())
    ours = outer.tag(theirs)
    assert names_items(b'{"type":"item_reference",' + ours[1:])
    outer.check(b'{"type":"item_reference",' + ours[1:])
    assert without_tags(ours) == theirs


def test_a_tag_of_a_former_key_is_good() -> None:
    told = ItemIds(Sealer(["old" * 20]), "t").tag(b'{"id":"%b"}' % MESSAGE.encode())
    ItemIds(Sealer(["new" * 20, "old" * 20]), "t").check(told)
