"""Settings of a Converse request: lengths, formats, hints, and what Bedrock has no word for."""

from __future__ import annotations

import msgspec
import pytest

from airouter.dialects.conversation import Format, Hints, Json, Sampling, Unsupported
from unit.dialects.converse.asking import NOVA, OLDER, asked, body_of

SCHEMA: Json = {"type": "object", "properties": {"city": {"type": "string"}}}


def test_what_is_not_asked_for_is_not_sent() -> None:
    assert set(body_of(asked())) == {"messages"}


def test_settings_have_converses_names() -> None:
    sampling = Sampling(temperature=0.5)
    body = body_of(asked(max_tokens=9, stop=("END",), sampling=sampling))
    assert body["inferenceConfig"] == {
        "maxTokens": 9,
        "temperature": 0.5,
        "stopSequences": ["END"],
    }


def test_zero_is_not_nothing() -> None:
    body = body_of(asked(sampling=Sampling(temperature=0, top_p=0)), NOVA)
    assert body["inferenceConfig"] == {"temperature": 0, "topP": 0}


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("n", {"n": 2}),
        ("logprobs", {"logprobs": True}),
        ("logprobs", {"top_logprobs": 3}),
        ("modalities", {"modalities": ("text", "audio")}),
        ("modalities", {"audio": {"voice": "alloy"}}),
        ("prediction", {"extensions": {"prediction": {}}}),
    ],
)
def test_what_converse_has_no_word_for_is_refused_by_name(field: str, more: Json) -> None:
    with pytest.raises(Unsupported) as raised:
        body_of(asked(**more))
    assert raised.value.field == field


@pytest.mark.parametrize(
    "more",
    [{"n": 1}, {"logprobs": False}, {"modalities": ("text",)}, {"hints": Hints(verbosity="low")}],
)
def test_what_is_so_anyway_may_be_asked_for(more: Json) -> None:
    assert set(body_of(asked(**more))) == {"messages"}


def test_a_schema_is_sent_as_text() -> None:
    wanted = Format(kind="json_schema", name="city", description="A city.", schema=SCHEMA)
    text = body_of(asked(format=wanted))["outputConfig"]["textFormat"]
    schema = text["structure"]["jsonSchema"]
    assert (text["type"], schema["name"], schema["description"]) == (
        "json_schema",
        "city",
        "A city.",
    )
    assert msgspec.json.decode(schema["schema"]) == SCHEMA | {"additionalProperties": False}


def test_a_schema_always_has_a_name() -> None:
    wanted = Format(kind="json_schema", schema=SCHEMA)
    structure = body_of(asked(format=wanted))["outputConfig"]["textFormat"]["structure"]
    assert structure["jsonSchema"]["name"] == "answer"


def test_a_claude_that_cannot_be_held_to_a_schema_says_so() -> None:
    with pytest.raises(Unsupported) as raised:
        body_of(asked(format=Format(kind="json_schema", schema=SCHEMA)), OLDER)
    assert raised.value.field == "format"


def test_any_json_is_asked_for_in_words() -> None:
    body = body_of(asked(format=Format(kind="json_object")))
    assert body["system"] == [{"text": "Answer with one JSON object and nothing else."}]
    assert "outputConfig" not in body


def test_plain_text_is_so_anyway() -> None:
    assert set(body_of(asked(format=Format(kind="text")))) == {"messages"}


@pytest.mark.parametrize("tier", ["priority", "default", "flex"])
def test_a_tier_that_bedrock_has_is_asked_for(tier: str) -> None:
    body = body_of(asked(hints=Hints(service_tier=tier)))
    assert body["serviceTier"] == {"type": tier}


def test_metadata_goes_along() -> None:
    metadata = {"team": "search", "run": "a b:1"}
    assert body_of(asked(hints=Hints(metadata=metadata)))["requestMetadata"] == metadata


@pytest.mark.parametrize(
    "hints",
    [
        {"service_tier": "scale"},
        {"metadata": {}},
        {"metadata": {"a": "ü"}},
        {"metadata": {"a": 7}},
        {"metadata": {"": "a"}},
        {"metadata": {"a": "x" * 257}},
        {"metadata": {str(at): "a" for at in range(17)}},
        {"user": "u1"},
        {"safety_identifier": "u1"},
        {"prompt_cache_key": "k"},
        {"store": True},
    ],
)
def test_hints_that_do_not_fit_are_left_out(hints: Json) -> None:
    assert set(body_of(asked(hints=Hints(**hints)))) == {"messages"}
