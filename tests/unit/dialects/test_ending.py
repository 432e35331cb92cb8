"""What a provider sends after the end of its stream."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airouter.dialects.chat.usage import UsageHider, UsageReader
from airouter.dialects.messages.usage import UsageReader as MessagesReader
from airouter.dialects.responses.usage import UsageReader as ResponsesReader
from airouter.dialects.translation.base import StreamFilter
from airouter.interfaces import Surplus
from support.chat_provider import DONE, END, HI, answer, chunked, config
from support.in_loop import served
from support.raw_upstream import RawUpstream

STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
COMPLETED = b'data: {"type":"response.completed","response":{"id":"r"}}\n\n'
MORE = b'data: {"more":1}\n\n'


def reader(kind: type[Any], pieces: list[bytes]) -> StreamFilter:
    """A filter that collects what it lets through."""
    made: StreamFilter = (
        kind(pieces.append, None) if kind is ResponsesReader else kind(pieces.append)
    )
    return made


@pytest.mark.parametrize(
    ("kind", "last"),
    [
        (UsageReader, DONE),
        (UsageHider, DONE),
        (MessagesReader, STOP),
        (ResponsesReader, COMPLETED),
        (ResponsesReader, COMPLETED + DONE),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_a_stream_is_over_with_its_last_event(
    kind: type[Any], last: bytes, *, at_once: bool
) -> None:
    pieces: list[bytes] = []
    subject = reader(kind, pieces)
    subject.feed(HI)
    if not at_once:
        subject.feed(last)
    with pytest.raises(Surplus):
        subject.feed(last + MORE if at_once else MORE)
    subject.finish()
    assert MORE not in b"".join(pieces)
    assert b"".join(pieces).startswith(HI + last.removesuffix(DONE if last != DONE else b""))


@pytest.mark.parametrize("kind", [UsageReader, UsageHider, MessagesReader, ResponsesReader])
def test_what_a_model_says_of_an_end_is_none(kind: type[Any]) -> None:
    pieces: list[bytes] = []
    subject = reader(kind, pieces)
    said = rb'data: {"text":"\ndata: [DONE]\n {\"type\":\"message_stop\"} '
    said += rb'{\"type\":\"response.completed\",\"response\":1}"}' + b"\n\n"
    subject.feed(said)
    subject.feed(said)
    assert b"".join(pieces) == said * 2


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
async def test_a_provider_that_goes_on_after_its_end_is_left(path: str, first: RawUpstream) -> None:
    prompt = [{"role": "user", "content": "Hello!"}]
    body: dict[str, Any] = {"model": "m", "stream": True, "input": prompt}
    if "responses" not in path:
        body = {"model": "m", "stream": True, "messages": prompt, "max_tokens": 9}
    async with served(config(first)) as router, asyncio.timeout(60):
        asking = asyncio.create_task(router.client.post(path, json=body))
        conversation, _ = await answer(first, chunked(HI, DONE) + END)
        whole = (await asking).text.count("Hi")
        asking = asyncio.create_task(router.client.post(path, json=body))
        await conversation.request()
        await conversation.say(chunked(HI, DONE, HI))
        assert (await asking).text.count("Hi") == whole > 0
        await conversation.gone()
