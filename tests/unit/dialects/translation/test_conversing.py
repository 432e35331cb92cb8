"""Answers that are nested too deeply to be read, or to be written again."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest

from airouter.config.snapshot import Parameters
from airouter.dialects.chat.upstream import COMPATIBLE, OPENAI
from airouter.dialects.client_request import ClientRequest, Edits, parse_client_request
from airouter.dialects.conversation import Destination
from airouter.dialects.converse.upstream import CONVERSE
from airouter.dialects.gemini.upstream import GEMINI
from airouter.dialects.messages.upstream import MESSAGES
from airouter.dialects.translation.base import Translation
from airouter.dialects.translation.choice import translation_for
from airouter.dialects.translation.client_apis import ServedModel
from airouter.failures import Failure
from airouter.interfaces import BrokenReply, BufferedReply

LIMIT = 10_000
"""Levels at which the decoder gives up, or a few more than it."""
TOO_DEEP = 100_000
ABOUT_THE_LIMIT = range(LIMIT - 100, LIMIT)  # the stack of a test takes a part of it


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


APIS = {
    "compatible": COMPATIBLE,
    "converse": CONVERSE,
    "gemini": GEMINI,
    "messages": MESSAGES,
    "openai": OPENAI,
}


def translation(upstream: str = "compatible", api: str = "responses") -> Translation:
    destination = Destination(model="m", maker="maker", max_output_tokens=9)
    model = ServedModel("m", destination, Edits(Parameters()), envelope={})
    return translation_for(api, APIS[upstream], model)


def request(**more: Any) -> ClientRequest:
    tools = [{"type": "custom", "name": "t"}]
    fields = {"model": "m", "input": "x", "tools": tools, **more}
    return parse_client_request(msgspec.json.encode(fields))


def dropped(data: bytes) -> None:
    """Take what a client would get."""


def with_call(arguments: str) -> bytes:
    """A chat completion with a call of the custom tool."""
    function = {"name": "t", "arguments": arguments}
    message = {"tool_calls": [{"id": "c", "function": function}]}
    return msgspec.json.encode({"id": "a", "choices": [{"message": message}]})


def with_logprobs(field: str, depth: int) -> bytes:
    """A chat completion, or a chunk of one, with something nested in its log probabilities."""
    tokens = [{"token": "x", "top_logprobs": [{"bytes": msgspec.Raw(nested(depth))}]}]
    said = {"content": "x"}
    choice = {field: said, "logprobs": {"content": tokens}, "finish_reason": "stop"}
    return msgspec.json.encode({"id": "a", "choices": [choice]})


@pytest.mark.parametrize("upstream", ["compatible", "messages", "gemini", "converse"])
def test_an_answer_that_is_nested_too_deeply_is_broken(upstream: str) -> None:
    reply = BufferedReply(200, {}, b'{"x":%b}' % nested(TOO_DEEP))
    with pytest.raises(BrokenReply):
        translation(upstream).answer(request(), [reply])


@pytest.mark.parametrize("upstream", ["compatible", "messages", "gemini"])
def test_a_stream_that_is_nested_too_deeply_is_broken(upstream: str) -> None:
    asked = request(stream=True)
    stream_filter = translation(upstream).stream_filter(asked, dropped)
    with pytest.raises(BrokenReply):
        stream_filter.feed(b'data: {"x":%b}\n\n' % nested(TOO_DEEP))


def test_the_input_of_a_custom_tool_may_be_nested_as_deeply_as_it_likes() -> None:
    asked = request()
    arguments = nested(TOO_DEEP).decode()
    reply = BufferedReply(200, {}, with_call(arguments))
    body = msgspec.json.decode(translation().answer(asked, [reply]).body)
    assert body["output"][0]["input"] == arguments


def test_an_answer_that_can_be_read_but_not_written_is_broken() -> None:
    for depth in ABOUT_THE_LIMIT:
        reply = BufferedReply(200, {}, with_logprobs("message", depth))
        with contextlib.suppress(BrokenReply):
            translation().answer(request(), [reply])


def test_a_stream_that_can_be_read_but_not_written_is_broken() -> None:
    for depth in ABOUT_THE_LIMIT:
        stream_filter = translation().stream_filter(request(stream=True), dropped)
        with contextlib.suppress(BrokenReply):
            stream_filter.feed(b"data: %b\n\n" % with_logprobs("delta", depth))
            stream_filter.feed(b"data: [DONE]\n\n")
            stream_filter.finish()


@pytest.mark.parametrize("api", ["responses", "input_tokens"])
def test_a_request_that_can_be_read_but_not_written_is_refused(api: str) -> None:
    for depth in ABOUT_THE_LIMIT:
        tool = {"type": "function", "name": "f", "parameters": msgspec.Raw(nested(depth))}
        with contextlib.suppress(Failure):
            translation("gemini", api).encode(request(tools=[tool]))
