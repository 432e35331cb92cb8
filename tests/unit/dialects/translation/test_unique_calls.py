"""Two calls with one id could not be answered: each gets its own, whole and as a stream."""

from __future__ import annotations

from airouter.dialects.conversation import Answer, Choice, Json, Part, Text, ToolCall
from airouter.dialects.events import PartBegun
from airouter.dialects.translation.unique_calls import UniqueCalls, with_unique_calls
from contract.services.stand_in import sse
from unit.dialects.responses.asking import request, translation

GIVEN = ("c", "c", "d", "c_2", "c")
TOLD = ["c", "c_2", "d", "c_2_2", "c_3"]
CALLS = tuple(ToolCall(id=each, name="f", arguments="{}") for each in GIVEN)


def ids_in(body: Json) -> list[str]:
    return [item["call_id"] for item in body["output"]]


def test_calls_with_one_id_are_told_apart_in_a_whole_answer() -> None:
    parts: tuple[Part, ...] = (Text(text="Look."), *CALLS)
    answer = Answer(id="a", model="m", choices=(Choice(parts=parts, stop="tool_calls"),))
    (choice,) = with_unique_calls(answer).choices
    assert [part.id for part in choice.parts if isinstance(part, ToolCall)] == TOLD


def test_calls_with_one_id_are_told_apart_in_a_stream() -> None:
    unique = UniqueCalls()
    begun = [unique.begun(PartBegun(at=at, part=call)) for at, call in enumerate(CALLS)]
    assert [each.part.id for each in begun if isinstance(each.part, ToolCall)] == TOLD


def test_a_client_gets_a_call_with_an_id_for_each_result() -> None:
    calls = [
        {"index": at, "id": "same", "type": "function", "function": {"name": "f"}} for at in (0, 1)
    ]
    out: list[bytes] = []
    stream_filter = translation("openai").stream_filter(request({"stream": True}), out.append)
    choice = {"index": 0, "delta": {"tool_calls": calls}, "finish_reason": "tool_calls"}
    stream_filter.feed(sse({"id": "a", "choices": [choice]}) + b"data: [DONE]\n\n")
    stream_filter.finish()
    told = b"".join(out)
    assert told.count(b'"call_id":"same"') == told.count(b'"call_id":"same_2"') == 3
