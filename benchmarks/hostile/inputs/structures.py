"""Bodies that mean more work than their bytes would tell."""

from __future__ import annotations

import base64
import json
import zlib
from functools import partial

from benchmarks.hostile.sending import (
    CHATS,
    CONVERSATIONS,
    LARGEST,
    MESSAGES,
    MIB,
    RESPONSES,
    Target,
    at_once,
    post,
)

TOOL = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}


async def many_values(target: Target) -> None:
    """5 bodies of 31 MiB of ones, of fields, of objects."""
    for each in (b"1,", b"{},", b'{"a":[1]},'):
        body = b'{"model":"passed","messages":[%b1]}' % (each * (LARGEST // len(each) - 9))
        await post(target, CHATS, body)
    fields = b"".join(b'"field-%d":1,' % number for number in range(2_000_000))
    await at_once(2, partial(post, target, CHATS, b'{%b"model":"passed"}' % fields))


async def deep_values(target: Target) -> None:
    """20 bodies of a million brackets, and 20 with deep schemas."""
    await at_once(20, partial(post, target, CHATS, b'{"model":"passed","messages":' + b"[" * MIB))
    depth = 900
    schema = b'{"type":"object","properties":{"a":' * depth + b'{"type":"string"}' + b"}}" * depth
    tool = b'{"type":"function","name":"f","strict":true,"parameters":%b}' % schema
    body = b'{"model":"translated","input":"hi","tools":[%b]}' % tool
    await at_once(20, partial(post, target, RESPONSES, body))


async def many_tools(target: Target) -> None:
    """6 requests with 20,000 tools."""
    tools = json.dumps([{**TOOL, "name": f"f{number}"} for number in range(20_000)]).encode()
    for model in (b"passed", b"translated"):
        body = b'{"model":"%b","input":"hi","store":false,"tools":%b}' % (model, tools)
        await at_once(3, partial(post, target, RESPONSES, body))


async def packed_objects(target: Target) -> None:
    """6 chats with nine million objects in the arguments of a call."""
    function = {"name": "f", "arguments": '{"a":[' + "{}," * 9_000_000 + "1]}"}
    call = {"id": "c", "type": "function", "function": function}
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "ok"},
    ]
    for model in ("translated", "mocked"):
        body = json.dumps({"model": model, "messages": messages}).encode()
        await at_once(3, partial(post, target, CHATS, body))


async def many_references(target: Target) -> None:
    """20 requests that go on from 8 MB, with 100 references into them."""
    long = b"hello world " * (8_000_000 // 12)
    answer = await post(target, RESPONSES, b'{"model":"mocked","input":"%b"}' % long)
    first = json.loads(answer[3:] or b"{}").get("id", "")
    listed = json.dumps([{"type": "item_reference", "id": f"msg_{n}"} for n in range(100)])
    said = {"role": "user", "content": "hi"}
    going_on = {"model": "mocked", "previous_response_id": first, "input": [said]}
    body = b'{"model":"mocked","previous_response_id":"%b","input":%b}'
    await at_once(10, partial(post, target, RESPONSES, json.dumps(going_on).encode()))
    await at_once(10, partial(post, target, RESPONSES, body % (first.encode(), listed.encode())))


async def conversation_bodies(target: Target) -> None:
    """4 conversations of nine million items, and 4 of a million pairs of metadata."""
    pairs = b",".join(b'"%d":"a"' % number for number in range(1_000_000))
    for body in (b'{"items":[%b{}]}' % (b"{}," * 9_000_000), b'{"metadata":{%b}}' % pairs):
        await at_once(4, partial(post, target, CONVERSATIONS, body))


async def large_conversations(target: Target) -> None:
    """5 requests with 20 references into a conversation of 12 MB."""
    text = b"hello world " * (600_000 // 12)
    item = b'{"type":"message","id":"msg_%d","role":"user","content":"%b"}'
    items = b",".join(item % (number, text) for number in range(20))
    made = await post(target, CONVERSATIONS, b'{"items":[%b]}' % items)
    id_ = json.loads(made[3:] or b"{}").get("id", "")
    references = [{"type": "item_reference", "id": f"msg_{number}"} for number in range(20)]
    asked = {"model": "mocked", "store": False, "conversation": id_, "input": references}
    await at_once(5, partial(post, target, RESPONSES, json.dumps(asked).encode()))


async def background_jobs(target: Target) -> None:
    """40 responses of 4 MB in the background."""
    text = b"hello world " * 330_000
    body = (
        b'{"model":"mocked","background":true,"metadata":{"mock_reply":"tokens:900"},"input":"%b"}'
    )
    await at_once(40, partial(post, target, RESPONSES, body % text))


async def packed_bombs(target: Target) -> None:
    """10 requests with 200 words of 4 MB of zeros."""
    packed = base64.urlsafe_b64encode(zlib.compress(b"[" + b" " * 4_000_000 + b"]")).rstrip(b"=")
    block = b'{"type":"thinking","thinking":"a","signature":"__airouter1_%b"}' % packed
    said = b'{"role":"user","content":"hi"},{"role":"assistant","content":[%b]}' % block
    body = b'{"model":"translated","max_tokens":9,"messages":[%b]}' % b",".join([said] * 200)
    await at_once(10, partial(post, target, MESSAGES, body))
