"""How an answer shall be: what Gemini has a word for, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.dialects.conversation import (
    CachePoint,
    Format,
    Hints,
    Json,
    Sampling,
    Text,
    Unsupported,
)
from unit.dialects.gemini.asking import FLASH, OLDER, WEATHER, asked, body_of, say

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer", "const": 1}}}
JSON = Format(kind="json_schema", name="a", schema=SCHEMA, strict=True)


def config_of(model: str = FLASH, **more: Any) -> Json:
    config = body_of(asked(**more), model).get("generationConfig", {})
    assert isinstance(config, dict)
    return config


def test_what_was_not_asked_for_is_not_sent() -> None:
    assert body_of(asked()) == {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}


@pytest.mark.parametrize(
    ("asked_for", "sent"),
    [
        ({"sampling": Sampling(temperature=0)}, {"temperature": 0}),
        ({"sampling": Sampling(temperature=2)}, {"temperature": 2}),
        ({"sampling": Sampling(top_p=0.5, top_k=40)}, {"topP": 0.5, "topK": 40}),
        (
            {"sampling": Sampling(seed=7)},
            {"seed": 7},
        ),
        ({"sampling": Sampling(seed=0)}, {"seed": 0}),
        ({"sampling": Sampling(logit_bias={})}, {}),
        ({"max_tokens": 100}, {"maxOutputTokens": 100}),
        ({"stop": ("a", "b", "c", "d", "e")}, {"stopSequences": ["a", "b", "c", "d", "e"]}),
        ({"n": 1}, {}),
        ({"n": 8}, {"candidateCount": 8}),
        ({"logprobs": True, "top_logprobs": 3}, {"responseLogprobs": True, "logprobs": 3}),
        ({"logprobs": True}, {"responseLogprobs": True}),
        ({"logprobs": False}, {}),
        ({"modalities": ("text",)}, {}),
        ({"modalities": ("text", "image")}, {"responseModalities": ["TEXT", "IMAGE"]}),
        (
            {"modalities": ("audio",), "audio": {"voice": "Kore", "format": "pcm16"}},
            {
                "responseModalities": ["AUDIO"],
                "speechConfig": {
                    "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}},
                },
            },
        ),
        ({"modalities": ("audio",), "audio": {}}, {"responseModalities": ["AUDIO"]}),
        ({"format": Format(kind="text")}, {}),
        ({"format": Format(kind="json_object")}, {"responseMimeType": "application/json"}),
        (
            {"format": JSON},
            {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA},
        ),
        ({"hints": Hints(verbosity="low")}, {}),
    ],
)
def test_what_gemini_can_do_is_asked_of_it(asked_for: dict[str, Any], sent: Json) -> None:
    assert config_of(**asked_for) == sent


@pytest.mark.parametrize(
    ("asked_for", "field"),
    [
        ({"sampling": Sampling(temperature=2.1)}, "temperature"),
        ({"sampling": Sampling(temperature=-0.1)}, "temperature"),
        ({"sampling": Sampling(logit_bias={"7": 1.0})}, "logit_bias"),
        ({"stop": ("a", "b", "c", "d", "e", "f")}, "stop"),
        ({"n": 9}, "n"),
        ({"modalities": ("smell",)}, "modalities"),
        ({"modalities": ("audio",), "audio": {"voice": "Kore", "format": "mp3"}}, "audio"),
        ({"extensions": {"prediction": {}, "moderation": {}}}, "prediction"),
    ],
)
def test_what_gemini_cannot_do_is_refused_by_its_field(
    asked_for: dict[str, Any], field: str
) -> None:
    with pytest.raises(Unsupported) as refused:
        config_of(**asked_for)
    assert refused.value.field == field


def test_json_beside_tools_needs_the_third_generation() -> None:
    asked_for: dict[str, Any] = {"tools": (WEATHER,), "format": JSON}
    assert config_of("gemini-3-pro-preview", **asked_for)["responseJsonSchema"] == SCHEMA
    with pytest.raises(Unsupported) as refused:
        config_of(OLDER, **asked_for)
    assert refused.value.field == "format"


@pytest.mark.parametrize("vertex", [False, True])
def test_hints_and_cache_points_that_google_has_no_word_for_are_left_out(vertex: bool) -> None:
    hints = Hints(user="u", service_tier="flex", store=True, prompt_cache_key="k")
    kept = Text(text="Hello", cache=CachePoint(ttl="1h"))
    assert list(body_of(asked(say("user", kept), hints=hints), vertex=vertex)) == ["contents"]


def test_metadata_stands_on_the_bill_of_vertex_where_it_can() -> None:
    metadata = {
        "team": "search",
        "cost_center-1": "",
        "Team": "a",
        "1st": "a",
        "owner": "Ann Lee",
        "long": "a" * 64,
        "number": 7,
    }
    conversation = asked(hints=Hints(metadata=metadata))
    assert "labels" not in body_of(conversation)
    assert body_of(conversation, vertex=True)["labels"] == {"team": "search", "cost_center-1": ""}
