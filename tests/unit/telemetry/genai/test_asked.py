"""What a request asks for, in the words of each API."""

from __future__ import annotations

import msgspec
import pytest

from airouter.dialects.client_request import parse_client_request
from airouter.telemetry.genai.asked import Asked, asked_in


def asked(headers: dict[bytes, bytes] | None = None, **fields: object) -> Asked:
    body = msgspec.json.encode({"model": "m", **fields})
    return asked_in(parse_client_request(body).fields, headers or {})


def test_a_request_that_asks_for_nothing_tells_nothing() -> None:
    assert asked() == Asked()


def test_settings_of_chat_are_read() -> None:
    found = asked(
        max_tokens=5,
        max_completion_tokens=10,
        n=2,
        temperature=0,
        top_p=0.5,
        seed=-3,
        stop="END",
        reasoning_effort="low",
        response_format={"type": "json_schema", "json_schema": {}},
    )
    assert found == Asked(
        max_tokens=10,
        choices=2,
        temperature=0.0,
        top_p=0.5,
        seed=-3,
        stop=("END",),
        reasoning="low",
        form="json",
    )


def test_settings_of_responses_are_read() -> None:
    found = asked(
        max_output_tokens=7,
        reasoning={"effort": "high"},
        text={"format": {"type": "text"}},
        conversation={"id": "conv_1"},
        previous_response_id="resp_1",
        input=[{"type": "compaction", "encrypted_content": "x"}],
    )
    assert found == Asked(
        max_tokens=7,
        reasoning="high",
        form="text",
        conversation="conv_1",
        previous="resp_1",
        compacted=True,
    )


def test_settings_of_messages_are_read() -> None:
    found = asked(max_tokens=9, top_k=4, stop_sequences=["a", "b"], output_config={"effort": "max"})
    assert found == Asked(max_tokens=9, top_k=4, stop=("a", "b"), reasoning="max")


def test_a_client_may_name_its_conversation_in_a_header() -> None:
    assert asked({b"x-session-id": b"s-1"}).conversation == "s-1"
    assert asked({b"x-session-id": b"s-1"}, conversation="conv_1").conversation == "conv_1"


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": "hot", "max_tokens": [], "stop": 3, "reasoning": 1, "conversation": []},
        {"stop": ["x" * 5_000], "seed": 2**70, "text": {"format": 1}},
    ],
)
def test_what_is_odd_is_left_out(fields: dict[str, object]) -> None:
    assert asked(None, **fields) == Asked()


def test_long_texts_are_cut() -> None:
    assert asked(conversation="c" * 1_000).conversation == "c" * 256
