"""Calls of chats that pass through: no two with one id or one index, and none without arguments."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import pytest

from airouter.dialects.chat.calls import with_mended_calls
from airouter.dialects.chat.usage import UsageHider, UsageReader
from airouter.dialects.conversation import Json
from airouter.dialects.raw_json import mended
from contract.services.stand_in import sse

DONE = b"data: [DONE]\n\n"
READERS = pytest.mark.parametrize("kind", [UsageReader, UsageHider])


def call(id_: str | None, arguments: Any, name: str = "f", **more: Any) -> Json:
    return {
        "id": id_,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    } | more


def whole(*calls: Json, reason: str = "tool_calls") -> bytes:
    message = {"role": "assistant", "content": None, "tool_calls": list(calls)}
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return json.dumps({"id": "c", "choices": [choice], "usage": {"prompt_tokens": 1}}).encode()


def calls_in(body: bytes) -> list[Json]:
    calls: list[Json] = json.loads(body)["choices"][0]["message"]["tool_calls"]
    return calls


def chunk(*calls: Json, reason: str | None = None, index: int = 0, **delta: Any) -> bytes:
    said = delta | ({"tool_calls": list(calls)} if calls else {})
    choice = {"index": index, "delta": said, "finish_reason": reason}
    return sse({"id": "c", "object": "chat.completion.chunk", "created": 1, "choices": [choice]})


def piece(index: int | None, arguments: str | None, **more: Any) -> Json:
    return {"index": index, "function": {"arguments": arguments}} | more


def through(kind: type[UsageHider | UsageReader], *events: bytes) -> bytes:
    out: list[bytes] = []
    reader = kind(out.append)
    for event in events:
        reader.feed(event)
    reader.finish()
    return b"".join(out)


def put_together(events: bytes, choice: int = 0) -> list[tuple[int, str, str]]:
    """The calls of a stream as an SDK collects them: index, id and arguments."""
    found: dict[int, list[str]] = {}
    stopped = False
    for line in events.splitlines():
        if not line.startswith(b"data: {"):
            continue
        for each in json.loads(line[6:])["choices"]:
            if each["index"] != choice:
                continue
            for given in each["delta"].get("tool_calls") or ():
                assert not stopped, "a call goes on after the end of its choice"
                known = found.setdefault(given["index"], ["", ""])
                known[0] = known[0] or given.get("id") or ""
                known[1] += given["function"].get("arguments") or ""
            stopped = stopped or each["finish_reason"] is not None
    return [(index, id_, arguments) for index, (id_, arguments) in found.items()]


def test_calls_with_one_id_are_told_apart_in_a_whole_chat() -> None:
    told = calls_in(with_mended_calls(whole(call("a", "{}"), call("a", "{}"), call("b", "{}"))))
    assert [each["id"] for each in told] == ["a", "a_2", "b"]


@pytest.mark.parametrize("arguments", ["", None, " \n"])
def test_a_call_without_arguments_has_an_empty_object_in_a_whole_chat(arguments: Any) -> None:
    (told,) = calls_in(with_mended_calls(whole(call("a", arguments, more=7))))
    assert told == call("a", "{}", more=7)


def test_a_whole_call_without_an_id_gets_one() -> None:
    one, other = calls_in(with_mended_calls(whole(call(None, "{}"), call("", "{}"))))
    assert one["id"]
    assert other["id"]
    assert one["id"] != other["id"]


@pytest.mark.parametrize("reason", ["length", "content_filter", "abort"])
def test_a_call_that_was_cut_before_its_arguments_stays_as_it_is(reason: str) -> None:
    body = whole(call("a", ""), reason=reason)
    assert with_mended_calls(body) == body
    stream = chunk(call("a", "", index=0)), chunk(reason=reason), DONE
    assert through(UsageReader, *stream) == b"".join(stream)


@pytest.mark.parametrize(
    "body",
    [
        whole(call("a", '{"x": 1}'), call("b", "{}")),
        b'{"choices": [{"message": {"tool_calls": [{"id": 7}]}}]}',
        b'{"choices": [{"message": {"tool_calls": [{"id": "a"}, {"id": "a"]}}]}',
        b'{"choices": [{"message": {"content": "x", "tool_calls": null}}]}',
        b'{"choices": [{"message": {}, "delta": {"tool_calls": [{"function": {}}]}}]}',
        b'{"\xff": 1, "choices": [{"message": {"tool_calls": [{"function": {}}]}}]}',
    ],
)
def test_a_whole_chat_that_needs_no_mending_or_allows_none_passes_to_the_byte(body: bytes) -> None:
    assert mended(with_mended_calls, body) == body


@READERS
def test_calls_with_one_id_are_told_apart_in_a_stream(
    kind: type[UsageHider | UsageReader],
) -> None:
    told = through(
        kind,
        chunk(call("a", "", index=0)) + chunk(piece(0, '{"x"')),
        chunk(call("a", "{}", index=1)),
        chunk(piece(0, ":1}", id="a"), piece(1, "", id="a")),
        chunk(reason="tool_calls") + DONE,
    )
    assert put_together(told) == [(0, "a", '{"x":1}'), (1, "a_2", "{}")]


@pytest.mark.parametrize("index", [0, None])
def test_calls_at_one_index_are_told_apart(index: int | None) -> None:
    told = through(
        UsageReader,
        chunk(call("a", '{"x":1}', index=index), call("b", "", index=index)),
        chunk(piece(index, '{"y":2}')),
        chunk(call("c", "{}", index=index), reason="tool_calls") + DONE,
    )
    assert put_together(told) == [(0, "a", '{"x":1}'), (1, "b", '{"y":2}'), (2, "c", "{}")]


@READERS
@pytest.mark.parametrize("indices", [(1, 2), (0, 2), (-1, 0), (1, 0)])
def test_calls_have_indices_from_0_on_whatever_their_server_counts(
    kind: type[UsageHider | UsageReader], indices: tuple[int, int]
) -> None:
    one, other = indices
    told = through(
        kind,
        chunk(content="I look.") + chunk(call("a", "", index=one)),
        chunk(piece(one, '{"x":1}')) + chunk(call("b", "", index=other)),
        chunk(piece(other, '{"y"')) + chunk(piece(other, ":2}")),
        chunk(reason="tool_calls") + DONE,
    )
    assert put_together(told) == [(0, "a", '{"x":1}'), (1, "b", '{"y":2}')]


@READERS
@pytest.mark.parametrize("type_", [{}, {"type": None}, {"type": ""}], ids=["none", "null", "empty"])
def test_a_call_without_a_type_has_one(
    kind: type[UsageHider | UsageReader], type_: dict[str, Any]
) -> None:
    begun = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}} | type_
    told = through(
        kind, chunk(begun), chunk(piece(0, "}") | type_), chunk(reason="tool_calls") + DONE
    )
    deltas = [json.loads(line[6:])["choices"][0]["delta"] for line in told.split(b"\n\n")[:2]]
    first, later = (delta["tool_calls"][0] for delta in deltas)
    assert first["type"] == "function"
    assert later.get("type", "function") == "function"
    body = whole(begun, {"id": "b", "custom": {"name": "g", "input": "x"}} | type_)
    assert [each["type"] for each in calls_in(with_mended_calls(body))] == ["function", "custom"]


@READERS
@pytest.mark.parametrize(("id_", "ids"), [("a", ["a", "a_2"]), (None, 2), ("", 2)])
def test_calls_of_one_name_with_one_id_at_one_index_are_told_apart(
    kind: type[UsageHider | UsageReader], id_: str | None, ids: list[str] | int
) -> None:
    one, other = (call(id_, arguments, index=0) for arguments in ('{"x":1}', '{"x":2}'))
    told = put_together(through(kind, chunk(one), chunk(other), chunk(reason="stop") + DONE))
    assert [(at, arguments) for at, _, arguments in told] == [(0, '{"x":1}'), (1, '{"x":2}')]
    found = [each for _, each, _ in told]
    assert found == ids or len(set(filter(None, found))) == ids


@READERS
def test_a_call_whose_id_and_name_are_in_each_piece_has_them_once(
    kind: type[UsageHider | UsageReader],
) -> None:
    pieces = (call("a", each, index=0) for each in ('{"x":{', "{}", "}", "}", " \n"))
    told = through(kind, *map(chunk, pieces), chunk(reason="tool_calls") + DONE)
    assert put_together(told) == [(0, "a", '{"x":{{}}} \n')]
    assert (told.count(b'"a"'), told.count(b'"f"')) == (1, 1)


@READERS
def test_a_call_whose_name_comes_late_and_again_has_it_once(
    kind: type[UsageHider | UsageReader],
) -> None:
    begun = {"index": 0, "id": "a", "type": "function", "function": {"arguments": ""}}
    pieces = begun, call(None, "{", index=0), call(None, "}", index=0)
    told = through(kind, *map(chunk, pieces), chunk(reason="tool_calls") + DONE)
    assert put_together(told) == [(0, "a", "{}")]
    assert told.count(b'"f"') == 1


@READERS
@pytest.mark.parametrize("id_", [None, "a"])
def test_a_name_in_pieces_is_that_of_one_call(
    kind: type[UsageHider | UsageReader], id_: str | None
) -> None:
    pieces: tuple[Json, ...] = (
        {"index": 0, "id": id_, "type": "function", "function": {"name": "get_"}},
        {"index": 0, "function": {"name": "weather", "arguments": "{}"}},
        {"index": 0, "function": {"name": "get_weather", "arguments": " "}},
    )
    told = through(kind, *map(chunk, pieces), chunk(reason="tool_calls") + DONE)
    ((index, _, arguments),) = put_together(told)
    assert (index, arguments) == (0, "{} ")
    assert re.findall(rb'"name": ?"(\w+)"', told) == [b"get_", b"weather"]


@READERS
def test_arguments_that_are_an_object_are_told_as_text(
    kind: type[UsageHider | UsageReader],
) -> None:
    one, other = call("a", {"x": 1}, index=0), call("b", {}, index=0)
    told = through(kind, chunk(one), chunk(other), chunk(reason="tool_calls") + DONE)
    found = [(id_, json.loads(arguments)) for _, id_, arguments in put_together(told)]
    assert found == [("a", {"x": 1}), ("b", {})]
    (whole_call,) = calls_in(with_mended_calls(whole(call("a", {"x": 1}))))
    assert json.loads(whole_call["function"]["arguments"]) == {"x": 1}


def test_a_call_is_mended_beside_a_kind_that_it_is_not() -> None:
    body = with_mended_calls(whole(call("a", {"x": 1}) | {"custom": None}))
    (whole_call,) = calls_in(body)
    assert json.loads(whole_call["function"]["arguments"]) == {"x": 1}


@READERS
@pytest.mark.parametrize("in_one", [False, True])
def test_a_choice_with_a_call_ends_in_one_whatever_its_server_says(
    kind: type[UsageHider | UsageReader], *, in_one: bool
) -> None:
    called = call("a", "{}", index=0)
    end = chunk(called, reason="stop") if in_one else chunk(called) + chunk(reason="stop")
    told = through(kind, end + DONE)
    assert (told.count(b'"stop"'), told.count(b'"finish_reason":"tool_calls"')) == (0, 1)
    body = with_mended_calls(whole(called, reason="stop"))
    assert json.loads(body)["choices"][0]["finish_reason"] == "tool_calls"


@READERS
@pytest.mark.parametrize("arguments", ["", None])
@pytest.mark.parametrize("end", [chunk(reason="tool_calls"), chunk(reason="stop"), b""])
def test_a_call_without_arguments_has_an_empty_object_before_its_stream_ends(
    kind: type[UsageHider | UsageReader], end: bytes, arguments: Any
) -> None:
    told = through(kind, chunk(call("a", arguments, index=0)), end + DONE)
    assert put_together(told) == [(0, "a", "{}")]
    assert told.endswith(DONE)
    assert b"stop" not in told


def test_a_call_without_arguments_that_ends_at_once_has_an_empty_object() -> None:
    told = through(UsageReader, chunk(call("a", "", index=0), reason="tool_calls") + DONE)
    assert put_together(told) == [(0, "a", "{}")]


def test_each_choice_has_calls_of_its_own() -> None:
    told = through(
        UsageReader,
        chunk(call("a", "", index=0)) + chunk(call("a", '{"x":1}', index=0), index=1),
        chunk(reason="tool_calls") + chunk(reason="tool_calls", index=1) + DONE,
    )
    assert put_together(told) == [(0, "a", "{}")]
    assert put_together(told, 1) == [(0, "a_2", '{"x":1}')]


def test_a_call_whose_id_comes_late_or_never_has_one() -> None:
    nameless = call(None, "{}", index=0)
    told = through(
        UsageReader, chunk(nameless), chunk(piece(0, "", id="late")), chunk(reason="stop") + DONE
    )
    ((_, id_, _),) = put_together(told)
    assert id_.startswith("call_")
    assert b"late" not in told


def test_a_call_whose_name_comes_late_is_one_call() -> None:
    begun = {"index": 0, "id": "a", "type": "function", "function": {"arguments": ""}}
    named = {"index": 0, "function": {"name": "f", "arguments": "{}"}}
    stream = chunk(begun), chunk(named), chunk(reason="tool_calls"), DONE
    assert through(UsageReader, *stream) == b"".join(stream)


SOUND = (
    chunk(content="tool_calls", role="assistant")
    + chunk(content='"tool_calls":[{', tool_calls=None)
    + chunk(call("a", "", index=0))
    + b": a comment\r\n\r\n"
    + chunk(piece(0, '{"x": "\\ud83d'))
    + chunk(piece(0, '\\ude00"}'))
    + chunk(call("b", "{}", index=1))
    + chunk(reason="tool_calls")
    + sse({"choices": [], "usage": None})
    + DONE
)


@READERS
def test_a_stream_without_a_fault_passes_to_the_byte_however_it_is_cut(
    kind: type[UsageHider | UsageReader],
) -> None:
    for size in (1, 7, 100, len(SOUND)):
        places = [*range(0, len(SOUND), size), len(SOUND)]
        assert through(kind, *(SOUND[a:b] for a, b in pairwise(places))) == SOUND


@pytest.mark.parametrize(
    "odd",
    [
        sse({"choices": [{"index": 0, "message": {"tool_calls": [call("a", "", index=0)]}}]}),
        b'data: {"\xff": 1, "choices": [{"delta": {"tool_calls": [{"index": 7}]}}]}\n\n',
    ],
)
def test_a_chunk_that_allows_no_mending_passes_to_the_byte(odd: bytes) -> None:
    stream = odd, chunk(reason="tool_calls"), DONE
    assert through(UsageReader, *stream) == b"".join(stream)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@READERS
def test_a_chunk_of_several_lines_is_mended_whatever_ends_them(
    kind: type[UsageHider | UsageReader], end: bytes
) -> None:
    delta = {"tool_calls": [call("", "", index=0)]}
    choice = json.dumps({"index": 0, "delta": delta, "finish_reason": None}).encode()
    lines = b'{"id": "c", "x": {', b'"y": 1}, "choices": [', choice, b"]}"
    event = end.join(b"data: " + line for line in lines) + 2 * end
    told = through(kind, event, chunk(reason="tool_calls") + DONE)
    ((index, id_, arguments),) = put_together(told)
    assert (index, arguments) == (0, "{}")
    assert id_.startswith("call_")


def test_after_a_chunk_that_cannot_be_read_nothing_is_mended() -> None:
    odd = sse({"choices": [{"delta": {"tool_calls": [{"index": "0"}]}}]})
    stream = chunk(call("a", "", index=0)), odd, chunk(reason="tool_calls"), DONE
    assert through(UsageReader, *stream) == b"".join(stream)
