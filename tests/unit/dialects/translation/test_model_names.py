"""A translated answer has the model's name that its client knows, never a provider's."""

from __future__ import annotations

import json

import msgspec
import pytest

from airouter.config.snapshot import Parameters
from airouter.dialects.client_request import ClientRequest, Edits, parse_client_request
from airouter.dialects.conversation import Destination, Json
from airouter.dialects.converse.upstream import CONVERSE
from airouter.dialects.translation.base import Translation
from airouter.dialects.translation.choice import translation_for
from airouter.dialects.translation.client_apis import ServedModel
from airouter.interfaces import BufferedReply
from unit.dialects.responses.asking import converse, converse_stream

ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
HELLO = [{"role": "user", "content": "Hi"}]
CLIENTS = pytest.mark.parametrize("api", ["chat", "messages", "responses"])


def translation(api: str, upstream_name: str = ARN) -> Translation:
    destination = Destination(model=upstream_name, maker="maker", max_output_tokens=9)
    model = ServedModel("ours", destination, Edits(Parameters()), envelope={})
    return translation_for(api, CONVERSE, model)


def request(api: str, **more: bool) -> ClientRequest:
    asked = {"input": "Hi"} if api == "responses" else {"messages": HELLO, "max_tokens": 9}
    return parse_client_request(msgspec.json.encode({"model": "ours", **asked, **more}))


@CLIENTS
def test_a_whole_answer_has_the_name_that_the_client_knows(api: str) -> None:
    body = msgspec.json.encode(converse([{"text": "Hi"}]))
    asked = request(api)
    answer = translation(api).answer(asked, [BufferedReply(200, {}, body)])
    assert json.loads(answer.body)["model"] == "ours"
    assert b"arn:" not in answer.body
    assert asked.answered_by == ARN  # for traces alone


@CLIENTS
def test_a_stream_has_the_name_that_the_client_knows(api: str) -> None:
    out: list[bytes] = []
    asked = request(api, stream=True)
    stream_filter = translation(api).stream_filter(asked, out.append)
    for piece in converse_stream([{"text": "Hi"}]):
        stream_filter.feed(piece)
    stream_filter.finish()
    told = b"".join(out)
    assert b'"model":"ours"' in told
    assert b"arn:" not in told
    assert asked.answered_by == ARN


@CLIENTS
def test_a_stream_without_its_first_event_is_told_as_any_other(api: str) -> None:
    out: list[bytes] = []
    stream_filter = translation(api).stream_filter(request(api, stream=True), out.append)
    for piece in list(converse_stream([{"text": "w"}]))[1:]:
        stream_filter.feed(piece)
    stream_filter.finish()
    told = b"".join(out)
    assert b'"w"' in told
    assert b'"model":"ours"' in told


def test_embeddings_have_the_name_that_the_client_knows() -> None:
    asked = parse_client_request(b'{"model":"ours","input":"Hi"}')
    reply: Json = {"embedding": [0.5], "inputTextTokenCount": 1}
    found = translation("embeddings", "amazon.titan-embed-text-v2:0").answer(
        asked, [BufferedReply(200, {}, msgspec.json.encode(reply))]
    )
    assert json.loads(found.body)["model"] == "ours"
