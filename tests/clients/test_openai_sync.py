"""The official OpenAI SDK, unchanged, as its users call it."""

from __future__ import annotations

import json

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

from .conftest import TEAM_KEY

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello there, router!"}]
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


class Recipe(BaseModel):
    title: str
    minutes: int
    steps: list[str]


def test_a_chat_is_answered(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="echo", messages=HELLO)
    assert answer.choices[0].message.content == "Hello there, router!"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 6
    assert answer._request_id is not None
    assert answer._request_id.startswith("req_")


def test_a_chat_is_streamed_without_a_usage_event(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="echo", messages=HELLO, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == "Hello there, router!"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)


def test_usage_is_streamed_when_it_is_asked_for(client: openai.OpenAI) -> None:
    *_, last = client.chat.completions.create(
        model="echo", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens == 3


def test_the_stream_helper_accumulates(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="echo", messages=HELLO) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        final = stream.get_final_completion()
    assert "".join(deltas) == final.choices[0].message.content == "Hello there, router!"


def test_a_tool_is_called_and_its_result_answered(client: openai.OpenAI) -> None:
    first = client.chat.completions.create(model="tool", messages=HELLO, tools=[WEATHER])
    (call,) = first.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    messages: list[ChatCompletionMessageParam] = [
        *HELLO,
        first.choices[0].message.to_dict(),  # type: ignore[list-item]  # as the SDK's guide does
        {"role": "tool", "tool_call_id": call.id, "content": "Sunny"},
    ]
    second = client.chat.completions.create(model="tool", messages=messages, tools=[WEATHER])
    assert second.choices[0].message.content == "Sunny"


def test_tool_calls_are_streamed(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="tool", messages=HELLO, tools=[WEATHER]) as stream:
        final = stream.get_final_completion()
    (call,) = final.choices[0].message.tool_calls or []
    assert (call.function.name, final.choices[0].finish_reason) == ("get_weather", "tool_calls")


def test_a_forced_tool_gets_arguments_that_fit(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="echo", messages=HELLO, tools=[WEATHER], tool_choice="required"
    )
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert list(json.loads(call.function.arguments)) == ["city"]


def test_structured_output_is_parsed(client: openai.OpenAI) -> None:
    answer = client.chat.completions.parse(model="echo", messages=HELLO, response_format=Recipe)
    assert isinstance(answer.choices[0].message.parsed, Recipe)


@pytest.mark.parametrize("encoding", [openai.omit, "float", "base64"])
def test_texts_are_embedded(client: openai.OpenAI, encoding: object) -> None:
    found = client.embeddings.create(
        model="echo",
        input=["a", "b"],
        dimensions=8,
        encoding_format=encoding,  # type: ignore[arg-type]  # one of its three values
    )
    assert [each.index for each in found.data] == [0, 1]
    if encoding != "base64":
        assert sum(number**2 for number in found.data[0].embedding) == pytest.approx(1.0, abs=1e-3)


def test_models_are_listed_and_retrieved(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["echo", "tool", "limited", "broken"]
    assert client.models.retrieve("echo").owned_by == "airouter"


def test_a_clients_key_sees_its_own_models_only(client: openai.OpenAI) -> None:
    team = client.with_options(api_key=TEAM_KEY)
    assert [model.id for model in team.models.list()] == ["echo"]
    with pytest.raises(openai.NotFoundError):
        team.chat.completions.create(model="tool", messages=HELLO)


def test_a_legacy_completion_is_answered_and_streamed(client: openai.OpenAI) -> None:
    whole = client.completions.create(model="echo", prompt="once upon a time")
    chunks = client.completions.create(model="echo", prompt="once upon a time", stream=True)
    assert whole.choices[0].text == "".join(chunk.choices[0].text for chunk in chunks)


def test_a_wrong_key_is_an_authentication_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        client.with_options(api_key="wrong").models.list()
    assert caught.value.code == "invalid_api_key"


def test_an_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt-99", messages=HELLO)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-99")


def test_a_rate_limit_is_passed_on_with_its_retry_after(client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="limited", messages=HELLO)
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.response.headers["retry-after"] == "1"


def test_a_request_that_the_provider_refuses_is_a_bad_request(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="echo", messages=[])
    assert caught.value.param == "messages"


def test_a_provider_that_stays_down_is_an_error_that_is_not_worth_a_retry(
    client: openai.OpenAI,
) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="broken", messages=HELLO)
    assert caught.value.response.headers["x-should-retry"] == "false"


def test_a_body_that_is_too_large_is_a_status_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(
            model="echo", messages=[{"role": "user", "content": "x" * 34_000_000}]
        )
    assert caught.value.status_code == 413


def test_raw_responses_show_their_headers(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="echo", messages=HELLO, extra_headers={"x-request-id": "mine"}
    )
    assert raw.headers["x-request-id"] == "mine"
    assert raw.parse().choices[0].message.content == "Hello there, router!"
