"""Ids of responses that a provider keeps, in whatever form it has them."""

from __future__ import annotations

import msgspec
import pytest

from airouter.dialects.conversation import Json
from airouter.responses.item_ids import ItemIds
from airouter.responses.pinning import PreviousTold, Renamer, unpinned
from airouter.sealing import Sealer
from contract.services.stand_in import sse

SEALER = Sealer(["0" * 64])
UUID, EARLIER = "3f0c9a7e-52a5-4d1c-9d51-8c1f6f6f0c11", "9b0c9a7e-52a5-4d1c-9d51-8c1f6f6f0c22"
ITEM = {"id": "msg_1", "type": "message", "content": [{"text": UUID + " and id"}]}
RESPONSE: Json = {
    "object": "response",
    "output": [ITEM],
    "previous_response_id": EARLIER,
    "id": UUID,
}


def renamed(data: bytes) -> bytes:
    return renamer()("key", data)


def renamer() -> Renamer:
    return Renamer(SEALER, "tenant", ItemIds(SEALER, "tenant"))


def place_of(id_: str) -> tuple[str, str] | None:
    return unpinned(id_, SEALER, "tenant")


def check(response: Json) -> None:
    """Every id leads to the provider, and nothing else has changed."""
    assert place_of(response["id"]) == ("key", UUID)
    assert place_of(response["previous_response_id"]) == ("key", EARLIER)
    assert response["output"] == [ITEM]


def test_ids_that_do_not_begin_as_openais_are_pinned_in_a_body() -> None:
    check(msgspec.json.decode(renamed(msgspec.json.encode(RESPONSE))))


def test_ids_that_do_not_begin_as_openais_are_pinned_in_events() -> None:
    event = {"type": "response.completed", "response": RESPONSE}
    data = renamed(sse(event, "response.completed")).partition(b"data: ")[2]
    check(msgspec.json.decode(data)["response"])


@pytest.mark.parametrize(
    "body",
    [
        {"object": "response.compaction", "id": "cmp_1", "output": []},
        {"type": "response.output_text.delta", "item_id": UUID, "delta": '"response"'},
        {"type": "response.output_item.done", "item": {"id": UUID, "name": "response"}},
    ],
)
def test_what_is_no_response_keeps_its_id(body: Json) -> None:
    data = sse(body, "x")
    assert renamed(data) == data


def test_a_response_without_its_previous_one_is_told_it() -> None:
    tell = PreviousTold(renamer(), "resp_before")
    body = msgspec.json.encode({**RESPONSE, "previous_response_id": None})
    assert msgspec.json.decode(tell("key", body))["previous_response_id"] == "resp_before"
    other = b'{"type":"response.output_text.delta","previous_response_id":null}'
    assert tell("key", other) == other
