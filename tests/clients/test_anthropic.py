"""The official Anthropic SDK against a router whose models speak another dialect."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import anthropic
import pytest

from clients.conftest import TEAM_KEY
from support.config import MASTER_KEY
from support.router import RouterProcess

WEATHER: anthropic.types.ToolParam = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


@pytest.fixture
def claude(router: RouterProcess) -> Iterator[anthropic.Anthropic]:
    root = router.base_url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=root, api_key=MASTER_KEY, max_retries=0) as client:
        yield client


def hello(text: str = "Hello!") -> list[anthropic.types.MessageParam]:
    return [{"role": "user", "content": text}]


def test_a_message_is_answered_in_anthropics_shape(claude: anthropic.Anthropic) -> None:
    message = claude.messages.create(model="echo", max_tokens=100, messages=hello("Grüße 🎉"))
    assert message.type == "message"
    assert message.id.startswith("msg_")
    assert [block.text for block in message.content if block.type == "text"] == ["Grüße 🎉"]
    assert message.stop_reason == "end_turn"
    assert message.usage.input_tokens > 0
    assert message.usage.output_tokens > 0
    assert message._request_id


def test_a_stream_has_every_event_of_the_grammar(claude: anthropic.Anthropic) -> None:
    with claude.messages.stream(model="echo", max_tokens=100, messages=hello("one two")) as stream:
        kinds = [event.type for event in stream if event.type != "text"]
        final = stream.get_final_message()
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(kinds[2:-3]) == {"content_block_delta"}
    assert final.usage.output_tokens > 0
    assert [block.text for block in final.content if block.type == "text"] == ["one two"]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_is_called_with_an_object(claude: anthropic.Anthropic, streamed: bool) -> None:
    if streamed:
        with claude.messages.stream(
            model="tool", max_tokens=100, messages=hello(), tools=[WEATHER]
        ) as stream:
            message: anthropic.types.Message = stream.get_final_message()
    else:
        message = claude.messages.create(
            model="tool", max_tokens=100, messages=hello(), tools=[WEATHER]
        )
    (call,) = [block for block in message.content if block.type == "tool_use"]
    assert (call.name, call.input) == ("get_weather", {"city": "Paris"})
    assert message.stop_reason == "tool_use"


def test_the_tool_runner_goes_on_without_the_thread_that_it_opens(
    claude: anthropic.Anthropic,
) -> None:
    @anthropic.beta_tool
    def get_weather(city: str) -> str:
        """The weather of a city."""
        return f"rain in {city}"

    runner = claude.beta.messages.tool_runner(
        model="tool",
        max_tokens=100,
        messages=[{"role": "user", "content": "Hello!"}],
        tools=[get_weather],
        max_iterations=2,
    )
    stops = [message.stop_reason for message in runner]
    assert stops == ["tool_use", "end_turn"]


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_a_thread_is_refused_as_the_sdk_knows_it(router: RouterProcess, path: str) -> None:
    root = router.base_url.removesuffix("/v1")
    body = {"model": "echo", "max_tokens": 9, "messages": hello(), "thread": {"type": "create"}}
    with (
        anthropic.Anthropic(base_url=root, api_key=MASTER_KEY, max_retries=0) as client,
        pytest.raises(anthropic.BadRequestError) as caught,
    ):
        client.post(path, body=body, cast_to=object)
    told = caught.value.body
    assert isinstance(told, dict)
    details = {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}
    assert told["error"]["details"] == details


def create_with_nobody(claude: anthropic.Anthropic) -> object:
    return claude.messages.create(model="nobody", max_tokens=10, messages=hello())


def retrieve_nobody(claude: anthropic.Anthropic) -> object:
    return claude.models.retrieve("nobody")


@pytest.mark.parametrize("ask", [create_with_nobody, retrieve_nobody])
def test_an_error_has_the_id_of_its_request_in_its_body(
    claude: anthropic.Anthropic, ask: Callable[[anthropic.Anthropic], object]
) -> None:
    with pytest.raises(anthropic.NotFoundError) as caught:
        ask(claude)
    told = caught.value.body
    assert isinstance(told, dict)
    assert told["request_id"] == caught.value.response.headers["x-request-id"]
    assert told["type"] == "error"


def test_an_unknown_model_is_not_found(claude: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as caught:
        claude.messages.create(model="nobody", max_tokens=10, messages=hello())
    body = caught.value.body
    assert isinstance(body, dict)
    assert body["error"]["type"] == "not_found_error"


def test_a_model_of_others_is_not_found_either(router: RouterProcess) -> None:
    root = router.base_url.removesuffix("/v1")
    with (
        anthropic.Anthropic(base_url=root, api_key=TEAM_KEY, max_retries=0) as client,
        pytest.raises(anthropic.NotFoundError),
    ):
        client.messages.create(model="tool", max_tokens=10, messages=hello())


def test_a_wrong_key_is_an_authentication_error(router: RouterProcess) -> None:
    root = router.base_url.removesuffix("/v1")
    with (
        anthropic.Anthropic(base_url=root, api_key="sk-wrong", max_retries=0) as client,
        pytest.raises(anthropic.AuthenticationError),
    ):
        client.messages.create(model="echo", max_tokens=10, messages=hello())


def test_a_rate_limit_keeps_its_class(claude: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.RateLimitError):
        claude.messages.create(model="limited", max_tokens=10, messages=hello())


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"messages": [{"role": "user", "content": "Hi"}]}, "max_tokens"),
        ({"max_tokens": 5, "messages": []}, "messages"),
        ({"max_tokens": 5, "messages": [{"role": "bot", "content": "Hi"}]}, "messages[0].role"),
        (
            {"max_tokens": 5, "messages": [{"role": "user", "content": [{"type": "nope"}]}]},
            "messages[0].content[0]",
        ),
        ({"max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}], "wish": 1}, "wish"),
        (
            {
                "max_tokens": 5,
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "tool_result", "tool_use_id": "x", "content": "y"}],
                    }
                ],
            },
            "messages[0]",
        ),
    ],
)
def test_a_mistake_is_named(
    claude: anthropic.Anthropic, body: dict[str, object], field: str
) -> None:
    with pytest.raises(anthropic.BadRequestError, match=r"invalid_request_error") as caught:
        claude.post("/v1/messages", body={"model": "echo", **body}, cast_to=object)
    assert field in str(caught.value)


def test_tokens_are_estimated_where_nobody_counts(claude: anthropic.Anthropic) -> None:
    counted = claude.messages.with_raw_response.count_tokens(model="echo", messages=hello())
    assert counted.parse().input_tokens > 0
    assert counted.headers["x-airouter-estimated"] == "true"


def test_the_newer_version_refuses_what_it_dropped(claude: anthropic.Anthropic) -> None:
    body = {"model": "echo", "max_tokens": 5, "messages": hello(), "temperature": 0.5}
    headers = {"anthropic-version": "2026-10-21"}
    with pytest.raises(anthropic.BadRequestError, match="Extra inputs are not permitted"):
        claude.post("/v1/messages", body=body, cast_to=object, options={"headers": headers})
    headers = {"anthropic-version": "2023-06-01"}
    claude.post("/v1/messages", body=body, cast_to=object, options={"headers": headers})


def test_what_never_reaches_a_model_fails_in_anthropics_shape_too(
    claude: anthropic.Anthropic,
) -> None:
    with pytest.raises(anthropic.APIStatusError) as caught:
        claude.get("/v1/messages", cast_to=object)
    assert caught.value.status_code == 405
    body = caught.value.body
    assert isinstance(body, dict)
    assert body["type"] == "error"


def test_a_query_changes_nothing(claude: anthropic.Anthropic) -> None:
    """Agents call the beta of the API by one."""
    message = claude.beta.messages.create(
        model="echo", max_tokens=10, messages=[{"role": "user", "content": "Hi"}]
    )
    assert [block.text for block in message.content if block.type == "text"] == ["Hi"]
