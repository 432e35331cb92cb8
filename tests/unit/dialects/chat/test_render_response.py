"""What clients of chat completions get, which OpenAI's own types have nothing against."""

from __future__ import annotations

import msgspec
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from airouter.dialects.chat import CLIENT
from airouter.dialects.conversation import Answer, Choice, Conversation, Text
from airouter.dialects.events import Begun

ASKED = Conversation(dialect="chat", turns=())


@pytest.mark.parametrize(
    ("tier", "told"),
    [("standard", "default"), ("priority", "priority"), ("batch", None), ("x", None), (None, None)],
)
def test_a_tier_has_openais_name_or_none(tier: str | None, told: str | None) -> None:
    choice = Choice(parts=(Text(text="Hi."),), stop="end")
    answer = Answer(id="1", model="m", choices=(choice,), service_tier=tier)
    whole = CLIENT.render_response(answer, ASKED)
    ChatCompletion.model_validate_json(whole, strict=True)
    begun = Begun(id="1", model="m", service_tier=tier)
    chunk = CLIENT.stream_renderer(ASKED).feed(begun).removeprefix(b"data: ")
    ChatCompletionChunk.model_validate_json(chunk, strict=True)
    for body in (whole, chunk):
        assert msgspec.json.decode(body).get("service_tier") == told
