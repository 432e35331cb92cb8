"""Mistral's own service: it refuses what it does not know, and has some words of its own."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from airouter.config.snapshot import Credential, Parameters
from airouter.dialects.chat.upstream import COMPATIBLE, MISTRAL
from airouter.dialects.client_request import Edits, parse_client_request
from airouter.dialects.conversation import Destination, Json
from airouter.dialects.translation.choice import translation_for
from airouter.dialects.translation.client_apis import ServedModel
from airouter.providers.registry import load_providers

MODEL = "magistral-medium-latest"
HI: Json = {"role": "user", "content": "Hi"}
THOUGHTFUL: Json = {"role": "assistant", "content": "Well.", "reasoning_content": "Hm."}


def sent(api: str, **fields: Any) -> Json:
    """The body that the service gets."""
    served = ServedModel("m", Destination(model=MODEL), Edits(Parameters()), envelope={})
    asked = parse_client_request(msgspec.json.encode({"model": "m", **fields}))
    (body,) = translation_for(api, MISTRAL, served).encode(asked)
    found: Json = msgspec.json.decode(body)
    return found


@pytest.mark.parametrize("options", [{}, {"stream_options": {"include_usage": True}}])
def test_a_stream_is_not_asked_for_the_usage_that_it_tells_anyway(options: Json) -> None:
    body = sent("chat", messages=[HI], stream=True, **options)
    assert body == {"model": MODEL, "messages": [HI], "stream": True}


@pytest.mark.parametrize(
    ("api", "fields"),
    [
        ("messages", {"messages": [HI], "max_tokens": 9}),
        ("responses", {"input": [HI], "max_output_tokens": 9}),
    ],
)
def test_a_stream_of_another_api_is_not_either(api: str, fields: Json) -> None:
    body = sent(api, **fields, stream=True)
    assert body == {"model": MODEL, "messages": [HI], "stream": True, "max_tokens": 9}


def test_a_chat_is_asked_in_the_service_s_own_words() -> None:
    body = sent("chat", messages=[HI], max_completion_tokens=9, seed=7, unheard_of=1)
    assert (body["max_tokens"], body["random_seed"], body["unheard_of"]) == (9, 7, 1)
    assert not body.keys() & {"max_completion_tokens", "seed"}


def test_a_word_of_its_own_that_the_client_gave_is_kept() -> None:
    body = sent("chat", messages=[HI], max_completion_tokens=9, max_tokens=5)
    assert (body["max_tokens"], "max_completion_tokens" in body) == (5, False)


def test_thoughts_in_a_history_are_not_told_in_a_field_that_it_refuses() -> None:
    body = sent("chat", messages=[HI, THOUGHTFUL, HI])
    assert body["messages"] == [HI, {"role": "assistant", "content": "Well."}, HI]


OF_OTHERS = ["call_PTLP8xhu3uwZk4l3nlnrrJha", "toolu_01A09q90qw90lq917835lq9", "turn1_0"]
FUNCTION: Json = {"name": "now", "arguments": "{}"}


def chat_with(ids: list[str]) -> list[Json]:
    """A chat in which calls with these ids were answered."""
    calls = [{"id": id_, "type": "function", "function": FUNCTION} for id_ in ids]
    results = [{"role": "tool", "tool_call_id": id_, "content": f"{id_}."} for id_ in ids]
    return [HI, {"role": "assistant", "content": "", "tool_calls": calls}, *results]


def messages_with(ids: list[str]) -> list[Json]:
    """The same, as Anthropic's API has it."""
    calls = [{"type": "tool_use", "id": id_, "name": "now", "input": {}} for id_ in ids]
    results = [{"type": "tool_result", "tool_use_id": id_, "content": f"{id_}."} for id_ in ids]
    return [HI, {"role": "assistant", "content": calls}, {"role": "user", "content": results}]


def items_with(ids: list[str]) -> list[Json]:
    """The same, as Responses have it."""
    calls = [{"type": "function_call", "call_id": id_, **FUNCTION} for id_ in ids]
    results = [{"type": "function_call_output", "call_id": id_, "output": f"{id_}."} for id_ in ids]
    return [HI, *calls, *results]


@pytest.mark.parametrize(
    ("api", "fields"),
    [
        ("chat", {"messages": chat_with(OF_OTHERS)}),
        ("messages", {"messages": messages_with(OF_OTHERS), "max_tokens": 9}),
        ("responses", {"input": items_with(OF_OTHERS)}),
    ],
)
def test_calls_of_other_models_have_ids_that_the_service_takes(api: str, fields: Json) -> None:
    body = sent(api, **fields)
    calls = [call for each in body["messages"] for call in each.get("tool_calls", ())]
    ids = [call["id"] for call in calls]
    assert len(set(ids)) == len(OF_OTHERS)
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", id_) for id_ in ids)
    results = [each for each in body["messages"] if each["role"] == "tool"]
    assert [each["tool_call_id"] for each in results] == ids
    assert [each["content"] for each in results] == [f"{id_}." for id_ in OF_OTHERS]


@pytest.mark.parametrize("api", ["chat", "messages"])
def test_its_own_calls_keep_their_ids(api: str) -> None:
    own = ["D681PevKs", "000000000"]
    given = chat_with(own) if api == "chat" else messages_with(own)
    body = sent(api, messages=given, max_tokens=9)
    called = [call for each in body["messages"] for call in each.get("tool_calls", ())]
    assert [call["id"] for call in called] == own


@pytest.mark.parametrize(
    ("url", "is_mistral"),
    [
        ("https://api.mistral.ai/v1", True),
        ("https://codestral.mistral.ai/v1", True),
        ("https://api.mistral.ai.example.com/v1", False),
        ("http://mistral-vllm:8000/v1", False),
    ],
)
def test_the_service_is_known_by_its_host(url: str, is_mistral: bool) -> None:
    account = Credential(name="c", type="OpenAICompatible", api=("chat",), base_url=url)
    for api in ("chat", "messages", "responses"):
        binding = load_providers()["OpenAICompatible"].bind(api, account, MODEL)
        assert binding is not None
        assert binding.api is (MISTRAL if is_mistral else COMPATIBLE)
