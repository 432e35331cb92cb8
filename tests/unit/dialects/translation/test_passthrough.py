"""Answers that pass through, and requests whose foreign reasoning is left out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.config.snapshot import Parameters
from airouter.dialects.chat.upstream import OPENAI
from airouter.dialects.client_request import ClientRequest, Edits, parse_client_request
from airouter.dialects.conversation import Destination
from airouter.dialects.messages.upstream import MESSAGES
from airouter.dialects.provenance import MARK
from airouter.dialects.responses.upstream import RESPONSES
from airouter.dialects.translation.base import Translation
from airouter.dialects.translation.choice import translation_for
from airouter.dialects.translation.client_apis import ServedModel
from airouter.failures import Failure
from airouter.interfaces import BrokenReply, BufferedReply
from airouter.providers.anthropic import model_envelope

DEEP = b"[" * 100_000 + b"]" * 100_000
EITHER = pytest.mark.parametrize("api", ["chat", "responses"])


def translation(api: str) -> Translation:
    model = ServedModel("m", Destination(model="m"), Edits(Parameters()), envelope={})
    return translation_for(api, OPENAI if api == "chat" else RESPONSES, model)


def request(**fields: Any) -> ClientRequest:
    return parse_client_request(msgspec.json.encode({"model": "m", **fields}))


def sent_items(*items: Any) -> Any:
    (body,) = translation("responses").encode(request(input=items))
    return msgspec.json.decode(body)["input"]


@pytest.mark.parametrize("api", ["messages", "count_tokens"])
def test_no_case_of_a_field_gets_past_to_a_provider_of_messages(api: str) -> None:
    edits = Edits(Parameters(override={"max_tokens": 5}, drop=("top_k",)))
    model = ServedModel("m", Destination(model="real"), edits, model_envelope("real"))
    asked = request(Model="secret", MAX_TOKENS=9, Top_K=9, other=1)
    (body,) = translation_for(api, MESSAGES, model).encode(asked)
    assert msgspec.json.decode(body) == {"model": "real", "max_tokens": 5, "other": 1}


@pytest.mark.parametrize(
    "name", ["Model", "STORE", "Previous_Response_Id", "Conversation", "Input"]
)
def test_no_case_of_a_field_gets_past_to_a_provider_of_responses(name: str) -> None:
    (body,) = translation("responses").encode(request(**{name: "resp_of_somebody_else"}))
    assert msgspec.json.decode(body) == {"model": "m"}


@EITHER
@pytest.mark.parametrize("field", [b"usage", b"choices", b"output", b"x"])
def test_an_answer_that_is_nested_too_deeply_passes_without_its_usage(
    api: str, field: bytes
) -> None:
    body = b'{"%b":%b,"usage":{"input_tokens":1,"prompt_tokens":1}}' % (field, DEEP)
    answer = translation(api).answer(request(), [BufferedReply(200, {}, body)])
    assert (answer.body, answer.usage) == (body, None)


@EITHER
@pytest.mark.parametrize("include_usage", [True, False])
def test_a_stream_that_is_nested_too_deeply_passes_without_its_usage(
    api: str, *, include_usage: bool
) -> None:
    asked = request(stream=True, stream_options={"include_usage": include_usage})
    out: list[bytes] = []
    stream_filter = translation(api).stream_filter(asked, out.append)
    event = b'data: {"x":%b,"usage":{"prompt_tokens":1}}\n\n' % DEEP
    last = b'data: {"type":"response.completed","choices":[]}\n\ndata: [DONE]\n\n'
    stream_filter.feed(event + last)
    assert stream_filter.finish() is None
    assert b"".join(out) == event + last


def test_reasoning_of_another_provider_is_left_out() -> None:
    reasoning = {"type": "reasoning", "encrypted_content": MARK + "x"}
    assert sent_items({"role": "user", "content": "x"}, reasoning) == [
        {"role": "user", "content": "x"}
    ]


@pytest.mark.parametrize(
    "item", [[{"encrypted_content": MARK}], {"type": 7, "encrypted_content": MARK}]
)
def test_what_is_no_item_is_left_to_the_provider_to_refuse(item: Any) -> None:
    assert sent_items(item) == [item]


def answer_of(api: str, body: Any) -> bytes:
    """What a client gets for a provider's whole answer."""
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    upstream = {"responses": RESPONSES, "messages": MESSAGES}.get(api, OPENAI)
    model = ServedModel("m", Destination(model="m"), Edits(Parameters()), envelope={})
    asked = request(messages=[], max_tokens=1)
    return translation_for(api, upstream, model).answer(asked, [BufferedReply(200, {}, data)]).body


FAILED: dict[str, Any] = {"object": "response", "status": "failed", "output": [], "usage": None}
USAGE = {"prompt_tokens": 1, "input_tokens": 1}


@pytest.mark.parametrize(
    ("api", "body", "status", "code"),
    [
        ("chat", {"error": {"message": "m", "code": 502}}, 502, "502"),
        ("chat", {"error": {"message": "m", "code": "429"}, "usage": USAGE}, 429, "429"),
        ("chat", {"error": {"message": "m", "type": "invalid_request_error"}}, 400, None),
        ("chat", {"error": "m"}, 502, None),
        ("chat", {"object": "error", "message": "m", "code": 503}, 503, "503"),
        ("chat", {"choices": [{"error": {"message": "m", "code": 504}}]}, 504, "504"),
        ("embeddings", {"error": {"message": "m", "code": 503}}, 503, "503"),
        (
            "messages",
            {"type": "error", "error": {"type": "overloaded_error", "message": "m"}},
            503,
            "overloaded_error",
        ),
        (
            "messages",
            {"type": "error", "error": {"type": "rate_limit_error", "message": "m"}},
            429,
            None,
        ),
        ("responses", {"error": {"message": "m", "code": "server_error"}}, 500, "server_error"),
        (
            "responses",
            {**FAILED, "error": {"message": "m", "code": "server_error"}},
            500,
            "server_error",
        ),
        (
            "responses",
            {**FAILED, "error": {"message": "m", "code": "rate_limit_exceeded"}},
            429,
            "rate_limit_exceeded",
        ),
    ],
)
def test_an_error_with_status_200_is_one(
    api: str, body: dict[str, Any], status: int, code: str | None
) -> None:
    with pytest.raises(Failure) as failure:
        answer_of(api, body)
    assert (failure.value.status, failure.value.code) == (status, code)
    assert failure.value.message == "m"


def test_a_response_that_failed_by_its_clients_fault_is_an_answer() -> None:
    body = msgspec.json.encode({**FAILED, "error": {"message": "m", "code": "invalid_prompt"}})
    assert answer_of("responses", body) == body


@pytest.mark.parametrize(
    ("api", "body"),
    [
        ("chat", {"choices": [{"message": {"content": '"error": {'}}], "error": None}),
        ("chat", {"choices": [{"message": {"content": ""}, "x": {"error": {"message": "m"}}}]}),
        ("embeddings", {"object": "list", "data": []}),
        ("messages", {"type": "message", "content": []}),
        ("responses", {"object": "response", "output": [{"type": "mcp_call", "error": {"a": 1}}]}),
    ],
)
def test_an_answer_that_only_speaks_of_errors_passes(api: str, body: dict[str, Any]) -> None:
    assert msgspec.json.decode(answer_of(api, body)) == body


@pytest.mark.parametrize("api", ["chat", "messages", "responses", "embeddings"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"choices": [{"message": {"content": "cut',
        b'{"choices": null}',
        b'{"status": "ok"}',
    ],
)
def test_what_is_no_answer_of_its_api_is_broken(api: str, body: bytes) -> None:
    with pytest.raises(BrokenReply):
        answer_of(api, body)


ANSWERS: dict[str, dict[str, Any]] = {
    "chat": {"choices": [{"message": {"content": "Hi!"}}], "usage": USAGE},
    "messages": {"content": [], "usage": USAGE},
    "responses": {"output": [], "usage": USAGE},
    "embeddings": {"data": [], "usage": USAGE},
}


@pytest.mark.parametrize("api", ["chat", "messages", "responses"])
@pytest.mark.parametrize("answered", ANSWERS)
@pytest.mark.parametrize("is_counted", [True, False])
def test_an_answer_of_another_api_is_none(api: str, answered: str, *, is_counted: bool) -> None:
    body = {**ANSWERS[answered], **({} if is_counted else {"usage": None})}
    if answered == api:
        assert msgspec.json.decode(answer_of(api, body)) == body
    else:
        with pytest.raises(BrokenReply):
            answer_of(api, body)


NEW = [{"role": "user", "content": [{"type": "of_tomorrow", "text": "Hello!"}]}]
"""What a provider reads, and this router does not."""
WHOLE = {
    "chat": {"choices": [{"message": {"content": "Hi!"}, "finish_reason": "stop"}]},
    "messages": {"content": [{"type": "text", "text": "Hi!"}], "stop_reason": "end_turn"},
}


def way(api: str) -> Translation:
    model = ServedModel("m", Destination(model="m"), Edits(Parameters()), envelope={})
    return translation_for(api, OPENAI if api == "chat" else MESSAGES, model)


@pytest.mark.parametrize("api", WHOLE)
def test_a_whole_answer_to_what_only_the_provider_can_read_passes_as_it_is(api: str) -> None:
    reply = BufferedReply(200, {}, msgspec.json.encode(WHOLE[api]))
    asked = request(messages=NEW, max_tokens=9, stream=True)
    assert way(api).retold(asked, reply) is None
    assert way(api).answer(asked, [reply]).body == reply.body


@pytest.mark.parametrize("api", WHOLE)
def test_a_stream_in_place_of_what_only_the_provider_can_read_is_its_fault(api: str) -> None:
    reply = BufferedReply(200, {}, b'data: {"type": "message_stop"}\n\n')
    with pytest.raises(BrokenReply):
        way(api).answer(request(messages=NEW, max_tokens=9), [reply])


LAST = {"type": "response.completed", "response": {"id": "r", "output": [], "usage": None}}
TOLD = b"data: " + msgspec.json.encode(LAST) + b"\n\n"


@pytest.mark.parametrize("more", [b"", b"data: [DONE]\n\n", b": still here\n\n", b'data: {"x"\n\n'])
def test_what_comes_after_a_stream_in_place_of_a_response_costs_it_nothing(more: bytes) -> None:
    asked, reply = request(input="Hi"), BufferedReply(200, {}, TOLD + more)
    whole = translation("responses").answer(asked, [reply])
    assert msgspec.json.decode(whole.body) == LAST["response"]
    retold = translation("responses").retold(asked, reply)
    assert retold is not None
    assert retold.body.startswith(TOLD)


@pytest.mark.parametrize("begins", [True, False])
def test_an_error_in_such_a_stream_is_for_another_provider_to_mend(begins: bool) -> None:
    begun = {"type": "response.created", "response": {"id": "r", "output": []}}
    events = [begun] * begins + [{"type": "error", "code": "server_error", "message": "Overloaded"}]
    body = b"".join(b"data: %b\n\n" % msgspec.json.encode(event) for event in events)
    with pytest.raises(Failure, match="Overloaded"):
        translation("responses").retold(request(input="Hi"), BufferedReply(200, {}, body))
