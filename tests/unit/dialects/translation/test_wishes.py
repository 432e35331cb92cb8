"""Requests of real clients that no provider took as they came, and how each is asked instead."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.dialects.conversation import Json
from airouter.failures import Failure
from unit.dialects.translation.crossing import TRANSLATED, sent

HELLO: Json = {"role": "user", "content": "hello"}
SAID: Json = {"role": "assistant", "content": "hi"}
TOOL: Json = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
CLAUDES = pytest.mark.parametrize("to", ["anthropic", "bedrock"])
OTHERS = pytest.mark.parametrize("to", ["openai", "compatible", "gemini", "bedrock"])
PIXELS: Json = {"type": "base64", "media_type": "image/png", "data": "aGk="}
PNG: Json = {"type": "image", "source": PIXELS}
GREET: Json = {"role": "system", "content": "Greet."}
FOUND: Json = {
    "type": "search_result",
    "source": "https://a.test",
    "title": "Colours",
    "content": [{"type": "text", "text": "Grass is green."}],
}
PAGE: Json = {
    "type": "document",
    "title": "Colours",
    "source": {"type": "content", "content": [{"type": "text", "text": "Grass is green."}]},
}


def given(*blocks: Json) -> Json:
    """A request of messages with the result of a tool."""
    use = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": list(blocks)}
    return {
        "max_tokens": 9,
        "messages": [
            HELLO,
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [result]},
        ],
    }


@pytest.mark.parametrize("to", ["openai", "gemini", *TRANSLATED])
@pytest.mark.parametrize(
    ("api", "asked"),
    [
        ("chat", {"messages": [GREET]}),
        ("responses", {"input": [{"role": "developer", "content": "Greet."}]}),
        (
            "responses",
            {"instructions": "Be brief.", "input": [GREET]},
        ),
    ],
)
def test_instructions_alone_are_answered(to: str, api: str, asked: Json) -> None:
    body = sent(api, to, **asked)
    (said,) = body.get("contents") or [m for m in body["messages"] if "Greet." in str(m)]
    assert "Greet." in str(said)
    if to != "openai":
        assert said["role"] == "user"


@pytest.mark.parametrize("to", TRANSLATED)
@pytest.mark.parametrize(
    ("api", "field", "at"),
    [("chat", "messages", "messages[2]"), ("responses", "input", "input[2]")],
)
def test_an_end_without_a_word_is_refused_for_a_model_would_go_on_with_its_own(
    to: str, api: str, field: str, at: str
) -> None:
    asked: Json = {field: [HELLO, SAID, {"role": "user", "content": ""}]}
    with pytest.raises(Failure) as refused:
        sent(api, to, **asked)
    assert refused.value.param == at


def test_nobody_is_told_to_leave_out_what_every_request_has() -> None:
    with pytest.raises(Failure) as refused:
        sent("responses", "anthropic", input="")
    assert refused.value.message.endswith("needs something that the user says (in 'input').")


@CLAUDES
@pytest.mark.parametrize("model", ["claude-opus-4-7", "claude-sonnet-4-5"])
@pytest.mark.parametrize(("api", "field"), [("chat", "messages"), ("responses", "input")])
def test_a_model_that_refuses_the_beginning_of_an_answer_is_told_to_go_on(
    to: str, model: str, api: str, field: str
) -> None:
    asked: Json = {field: [HELLO, {"role": "assistant", "content": "The sum is "}]}
    body = sent(api, to, model if to == "anthropic" else f"us.anthropic.{model}", **asked)
    begun, *told = body["messages"][1:]
    assert begun["content"][0]["text"].startswith("The sum is")
    assert [message["role"] for message in told] == (["user"] if "opus" in model else [])


@CLAUDES
@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_nobody_is_told_to_go_on_with_an_answer_that_has_no_word(to: str, blank: str) -> None:
    model = "claude-opus-4-7" if to == "anthropic" else "us.anthropic.claude-opus-4-7"
    body = sent("chat", to, model, messages=[HELLO, {"role": "assistant", "content": blank}])
    assert body["messages"] == sent("chat", to, model, messages=[HELLO])["messages"]


@pytest.mark.parametrize("content", ["", " ", []])
def test_a_document_without_a_word_is_no_blank_text_at_bedrock(content: object) -> None:
    empty = {"type": "document", "source": {"type": "content", "content": content}}
    said = [empty, {"type": "text", "text": "Hello!"}]
    body = sent("messages", "bedrock", messages=[{"role": "user", "content": said}], max_tokens=9)
    assert body["messages"] == [{"role": "user", "content": [{"text": "Hello!"}]}]


def test_a_grammar_stands_where_chat_completions_have_it() -> None:
    form = {"type": "grammar", "syntax": "lark", "definition": "start: /a/"}
    tool = {"type": "custom", "name": "apply_patch", "format": form}
    (told,) = sent("responses", "openai", input="hello", tools=[tool])["tools"]
    grammar = {"syntax": "lark", "definition": "start: /a/"}
    assert told["custom"]["format"] == {"type": "grammar", "grammar": grammar}


@pytest.mark.parametrize("form", [{"type": "text"}, None])
def test_a_custom_tool_of_any_text_says_so(form: Json | None) -> None:
    tool = {"type": "custom", "name": "note", "format": form}
    (told,) = sent("responses", "openai", input="hello", tools=[tool])["tools"]
    assert told["custom"].get("format") == form


@CLAUDES
@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "claude-opus-4-7"])
def test_an_effort_gives_way_to_a_tool_that_must_be_called(to: str, model: str) -> None:
    model = model if to == "anthropic" else f"us.anthropic.{model}"
    asked: Json = {"messages": [HELLO], "tools": [TOOL], "tool_choice": "required"}
    body = sent("chat", to, model, **asked, reasoning_effort="high")
    assert "thinking" not in str(body)
    assert body == sent("chat", to, model, **asked) | {
        name: value for name, value in body.items() if name in {"output_config", "outputConfig"}
    }


@CLAUDES
@pytest.mark.parametrize("steered", [{"temperature": 0.2}, {"top_p": 0.5}])
def test_a_claude_that_adapts_its_thoughts_is_not_steered_besides(to: str, steered: Json) -> None:
    model = "claude-opus-4-6" if to == "anthropic" else "us.anthropic.claude-opus-4-6-v1"
    assert sent("chat", to, model, messages=[HELLO], **steered)
    with pytest.raises(Failure) as refused:
        sent("chat", to, model, messages=[HELLO], reasoning_effort="high", **steered)
    assert refused.value.param == next(iter(steered))


@CLAUDES
def test_a_tool_that_must_be_called_does_not_go_with_thoughts_that_are_asked_for(to: str) -> None:
    thinking = {"type": "enabled", "budget_tokens": 2048}
    asked: Json = {"messages": [HELLO], "tools": [TOOL], "tool_choice": "required"}
    with pytest.raises(Failure) as refused:
        sent("chat", to, **asked, thinking=thinking)
    assert refused.value.param == "tool_choice"


@CLAUDES
@pytest.mark.parametrize(("top_p", "taken"), [(0.0, False), (0.5, False), (0.95, True), (1, True)])
def test_a_claude_that_thinks_takes_hardly_any_top_p(to: str, top_p: float, taken: bool) -> None:
    asked: Json = {"messages": [HELLO], "reasoning_effort": "high", "top_p": top_p}
    if taken:
        assert sent("chat", to, **asked)
        return
    with pytest.raises(Failure) as refused:
        sent("chat", to, **asked)
    assert refused.value.param == "top_p"


def test_claude_searches_the_web_for_clients_of_chat_completions() -> None:
    place = {"type": "approximate", "approximate": {"city": "Rome", "country": "IT"}}
    options = {"search_context_size": "low", "user_location": place}
    (tool,) = sent("chat", "anthropic", messages=[HELLO], web_search_options=options)["tools"]
    where = {"type": "approximate", "city": "Rome", "country": "IT"}
    assert tool == {"type": "web_search_20250305", "name": "web_search", "user_location": where}


def test_a_search_that_a_model_lacks_is_refused_by_its_own_field() -> None:
    with pytest.raises(Failure) as refused:
        sent("chat", "bedrock", messages=[HELLO], web_search_options={})
    assert refused.value.param == "web_search_options"


@pytest.mark.parametrize(
    ("model", "beside"),
    [
        ("openai.gpt-oss-120b-1:0", True),
        ("qwen.qwen3-vl-235b-a22b", True),
        ("us.amazon.nova-pro-v1:0", False),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", False),
    ],
)
def test_an_image_that_a_tool_gave_is_shown_beside_where_a_result_has_none(
    model: str, beside: bool
) -> None:
    body = sent("messages", "bedrock", model, **given(PNG))
    result, *shown = body["messages"][-1]["content"]
    assert [next(iter(block)) for block in shown] == (["image"] if beside else [])
    assert ("image" in result["toolResult"]["content"][0]) != beside


@OTHERS
@pytest.mark.parametrize("block", [FOUND, PAGE])
def test_a_page_that_a_client_found_is_told_in_words(to: str, block: Json) -> None:
    assert "Grass is green." in str(sent("messages", to, **given(block)))
    message = {"role": "user", "content": [block]}
    assert "Colours" in str(sent("messages", to, max_tokens=9, messages=[message]))


@OTHERS
def test_a_tool_that_a_client_found_is_told_in_words(to: str) -> None:
    block = {"type": "tool_reference", "tool_name": "mcp__crm__get"}
    assert "mcp__crm__get" in str(sent("messages", to, **given(block)))


@pytest.mark.parametrize("to", ["openai", "compatible", "gemini"])
@pytest.mark.parametrize("block", [FOUND, PAGE])
def test_a_page_that_an_answer_must_cite_is_refused(to: str, block: Json) -> None:
    cited: Any = block | {"citations": {"enabled": True}}
    with pytest.raises(Failure) as refused:
        sent("messages", to, **given(cited))
    assert refused.value.status == 400
