"""Mistral's own service: it refuses what it does not know, and has some words of its own."""

from __future__ import annotations

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
