"""Names, settings and marks that clients and their libraries write, and what becomes of them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.config.snapshot import Parameters
from airouter.dialects.client_request import Edits
from airouter.dialects.conversation import Destination, Json
from airouter.dialects.translation.choice import translation_for
from airouter.dialects.translation.client_apis import ServedModel
from airouter.failures import Failure
from airouter.interfaces import BufferedReply
from unit.dialects.translation.crossing import GPT, TRANSLATED, WAYS, request, sent, way

HELLO: Json = {"role": "user", "content": "hello"}
NEUTRAL: Json = {
    "frequency_penalty": 0,
    "presence_penalty": 0.0,
    "logit_bias": {},
    "top_p": 1,
    "n": 1,
    "logprobs": False,
}
JPG = {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,aGk="}}


@pytest.mark.parametrize("to", TRANSLATED)
@pytest.mark.parametrize("model", [None, "claude-opus-4-7"])
def test_settings_that_change_nothing_are_never_refused(to: str, model: str | None) -> None:
    if model is not None and to != "anthropic":
        model = None
    assert sent("chat", to, model, messages=[HELLO], **NEUTRAL)


@pytest.mark.parametrize("name", ["frequency_penalty", "presence_penalty"])
@pytest.mark.parametrize(
    ("to", "model"), [("anthropic", None), ("bedrock", None), ("gemini", "gemini-2.5-flash")]
)
def test_a_penalty_that_a_model_does_not_take_is_refused(
    to: str, model: str | None, name: str
) -> None:
    with pytest.raises(Failure) as refused:
        sent("chat", to, model, messages=[HELLO], **{name: 0.5})
    assert refused.value.param == name
    older = sent("chat", "gemini", "gemini-2.0-flash", messages=[HELLO], **{name: 0.5})
    assert len(older["generationConfig"]) == 1


@pytest.mark.parametrize("model", ["o3", "gpt-5", "gpt-5.1"])
def test_a_model_of_openai_that_reasons_is_not_told_of_neutral_sampling(model: str) -> None:
    body = sent("responses", "openai", model, input="hello", temperature=1, top_p=1)
    assert not {"temperature", "top_p"} & body.keys()


@pytest.mark.parametrize(
    ("to", "model", "field", "least"),
    [
        ("openai", "o3", "reasoning_effort", "low"),
        ("openai", "gpt-5", "reasoning_effort", "minimal"),
        ("openai", "gpt-5.1", "reasoning_effort", "none"),
        ("openai", "gpt-4o", "reasoning_effort", None),
        ("compatible", "gpt-oss-120b", "reasoning_effort", "low"),
        ("compatible", "qwen3-32b", "reasoning_effort", "none"),
        ("anthropic", None, "thinking", {"type": "disabled"}),
        (
            "bedrock",
            "openai.gpt-oss-120b-1:0",
            "additionalModelRequestFields",
            {"reasoning_effort": "low"},
        ),
    ],
)
def test_no_effort_is_the_least_that_a_model_knows(
    to: str, model: str | None, field: str, least: Any
) -> None:
    body = sent("responses", to, model, input="hello", reasoning={"effort": "none"})
    assert body.get(field) == least


@pytest.mark.parametrize(
    ("model", "asked", "told"),
    [
        ("o3", "minimal", "low"),
        ("o3", "xhigh", "high"),
        ("gpt-oss-120b", "max", "high"),
        ("gpt-5", "minimal", "minimal"),
        ("gpt-5-mini", "xhigh", "high"),
        ("gpt-5-pro", "low", "high"),
        ("gpt-5.1", "minimal", "low"),
        ("gpt-5.1", "xhigh", "high"),
        ("gpt-5.1-codex", "none", "low"),
        ("gpt-5.1-codex-max", "max", "xhigh"),
        ("gpt-5.1-chat-latest", "high", "medium"),
        ("gpt-5.2", "minimal", "low"),
        ("gpt-5.2", "xhigh", "xhigh"),
        ("gpt-5.3-codex", "none", "low"),
        ("gpt-5.4-pro", "none", "medium"),
        ("gpt-5.6-sol", "max", "xhigh"),
        ("openai/gpt-6", "none", "none"),
        ("a-deployment", "minimal", "minimal"),
    ],
)
def test_an_effort_is_the_nearest_that_a_model_of_openai_knows(
    model: str, asked: str, told: str
) -> None:
    body = sent("responses", "openai", model, input="hello", reasoning={"effort": asked})
    assert body["reasoning_effort"] == told
    if asked in {"xhigh", "max"}:
        messages = sent(
            "messages",
            "openai",
            model,
            max_tokens=9,
            messages=[HELLO],
            output_config={"effort": asked},
        )
        assert messages["reasoning_effort"] == told


@pytest.mark.parametrize("to", ["anthropic", "bedrock"])
def test_the_beginning_of_an_answer_ends_in_no_white_space(to: str) -> None:
    begun = {"role": "assistant", "content": "The answer is: \n"}
    body = sent("chat", to, messages=[HELLO, begun])
    assert body["messages"][-1]["content"][0]["text"] == "The answer is:"
    earlier = sent("chat", to, messages=[HELLO, begun, HELLO])
    assert earlier["messages"][1]["content"][0]["text"] == "The answer is: \n"


def test_a_cache_point_beside_a_content_is_kept() -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    function = {"name": "f", "parameters": {"type": "object"}, **mark}
    body = sent(
        "chat",
        "anthropic",
        messages=[
            {"role": "system", "content": "be brief", **mark},
            {**HELLO, **mark},
            {"role": "assistant", "content": "hi", **mark},
            HELLO,
        ],
        tools=[{"type": "function", "function": function}],
    )
    assert body["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert body["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral"}
    assert body["messages"][1]["content"][0]["cache_control"] == {"type": "ephemeral"}
    assert "cache_control" not in body["messages"][2]["content"][0]
    assert body["tools"][0]["cache_control"] == {"type": "ephemeral"}


def test_a_picture_of_a_type_that_nobody_registered_is_a_jpeg() -> None:
    said = [{"role": "user", "content": [JPG]}]
    source = sent("chat", "anthropic", messages=said)["messages"][0]["content"][0]["source"]
    assert source["media_type"] == "image/jpeg"
    part = sent("chat", "gemini", messages=said)["contents"][0]["parts"][0]
    assert part["inlineData"]["mimeType"] == "image/jpeg"
    block = sent("chat", "bedrock", messages=said)["messages"][0]["content"][0]
    assert block["image"]["format"] == "jpeg"
    image = {"type": "input_image", "image_url": "data:image/jpg;base64,aGk="}
    item = {"role": "user", "content": [image]}
    source = sent("responses", "anthropic", input=[item])["messages"][0]["content"][0]["source"]
    assert source["media_type"] == "image/jpeg"
    given = {"type": "base64", "media_type": "image/jpg", "data": "aGk="}
    messages = [{"role": "user", "content": [{"type": "image", "source": given}]}]
    body = sent("messages", "openai", max_tokens=9, messages=messages)
    assert body["messages"][0]["content"][0]["image_url"]["url"].startswith("data:image/jpeg;")


def test_bedrock_is_given_no_tools_that_may_not_be_called() -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    body = sent("chat", "bedrock", messages=[HELLO], tools=tools, tool_choice="none")
    assert not {"toolConfig", "system"} & body.keys()
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    history = [
        HELLO,
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "done"},
    ]
    body = sent("chat", "bedrock", messages=history, tools=tools, tool_choice="none")
    assert {"toolConfig", "system"} <= body.keys()


def test_tokens_are_estimated_where_nothing_is_sent() -> None:
    asked = request(max_tokens=9, messages=[HELLO])
    translation = way("count_tokens", "uncounted")
    assert translation.encode(asked) == []
    assert dict(translation.headers) == {b"x-airouter-estimated": b"true"}
    answer = translation.answer(asked, list[BufferedReply]())
    assert msgspec.json.decode(answer.body)["input_tokens"] > 0


@pytest.mark.parametrize(("asked", "told"), [(32_000, 16_384), (9, 9)])
def test_a_model_is_asked_for_no_more_than_it_can_write(asked: int, told: int) -> None:
    destination = Destination(model=GPT, max_output_tokens=16_384)
    served = ServedModel("m", destination, Edits(Parameters()), envelope={})
    way_there = translation_for("messages", WAYS["openai"][0], served)
    (body,) = way_there.encode(request(max_tokens=asked, messages=[HELLO]))
    assert msgspec.json.decode(body)["max_completion_tokens"] == told


def test_an_effort_for_words_is_none_of_a_model_that_does_not_think() -> None:
    body = sent(
        "messages", "openai", max_tokens=9, messages=[HELLO], output_config={"effort": "high"}
    )
    assert "reasoning_effort" not in body


@pytest.mark.parametrize("to", TRANSLATED)
@pytest.mark.parametrize("stop", ["", [""], [], None])
def test_a_stop_sequence_of_nothing_stops_nothing(to: str, stop: Any) -> None:
    assert sent("chat", to, messages=[HELLO], stop=stop) == sent("chat", to, messages=[HELLO])


@pytest.mark.parametrize("to", TRANSLATED)
@pytest.mark.parametrize("more", [{}, {"tools": []}, {"tools": None, "tool_choice": None}])
def test_a_free_choice_of_no_tool_is_not_refused(to: str, more: Json) -> None:
    asked = {"messages": [HELLO], "tool_choice": "auto", **more}
    assert sent("chat", to, **asked) == sent("chat", to, messages=[HELLO])


@pytest.mark.parametrize("to", TRANSLATED)
@pytest.mark.parametrize("old", [{"functions": []}, {"function_call": "none"}])
def test_old_fields_that_ask_for_nothing_are_not_refused(to: str, old: Json) -> None:
    assert sent("chat", to, messages=[HELLO], **old) == sent("chat", to, messages=[HELLO])


@pytest.mark.parametrize("to", TRANSLATED)
def test_an_image_with_line_ends_in_its_base64_is_told_without(to: str) -> None:
    url = "data:image/png;base64,aGVs\r\nbG8h\r\n"
    image = {"type": "image_url", "image_url": {"url": url}}
    said = str(sent("chat", to, messages=[{"role": "user", "content": [image]}]))
    assert "aGVsbG8h" in said


def test_anthropics_own_clients_may_call_a_jpeg_a_jpg() -> None:
    source = {"type": "base64", "media_type": "image/jpg", "data": "aGk="}
    said = {"type": "text", "text": 'an "image/jpg"'}
    content = [{"type": "image", "source": source}, said]
    body = sent(
        "messages", "anthropic", max_tokens=9, messages=[{"role": "user", "content": content}]
    )
    image, text = body["messages"][0]["content"]
    assert image["source"] == {**source, "media_type": "image/jpeg"}
    assert text == said
