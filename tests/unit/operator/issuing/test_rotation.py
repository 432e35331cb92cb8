"""The rotation: when a key is replaced, and what becomes of the one before."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.config.resource.routerkey import RouterKeySpec
from airouter_operator.issuing.rotation import key_due, next_turn, rotates_at
from airouter_operator.key_secret import KEY, KeyRecord, KeySecret, new_key

URL = "http://router"
HOUR = 3600


def spec(**fields: Any) -> RouterKeySpec:
    return RouterKeySpec.model_validate({"router": {"name": "default"}, **fields})


def made(at: int = 1000, **fields: Any) -> KeySecret:
    return KeySecret(new_key(), KeyRecord(at, **fields), URL)


def due(
    content: KeySecret | None, request: str = "", now: float = 2000.0, **fields: Any
) -> KeySecret:
    return key_due(content, spec(**fields), request, URL, now)


def test_a_key_has_192_random_bits() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(KEY.fullmatch(key) for key in keys)
    assert len(next(iter(keys)).removeprefix("sk-air-")) * 4 == 192


@pytest.mark.parametrize("request_", ["", "now", "overlap"])
def test_a_first_key_answers_a_request_as_well(request_: str) -> None:
    first = due(None, request_)
    assert first.record == KeyRecord(2000, request=request_)
    assert due(first, request_) == first


def test_a_key_that_leaked_is_replaced_without_overlap() -> None:
    content = made(former_sha256="older", former_until=9000)
    found = due(content, "now")
    assert found.key != content.key
    assert found.record == KeyRecord(2000, request="now")


@pytest.mark.parametrize(
    ("fields", "until"),
    [
        ({}, 2000 + 24 * HOUR),
        ({"rotation": {"every": "10h"}}, 2000 + 5 * HOUR),
        ({"rotation": {"every": "10h", "overlap": "1h"}}, 2000 + HOUR),
    ],
)
def test_the_former_key_is_good_for_the_overlap(fields: dict[str, Any], until: int) -> None:
    content = made()
    found = due(content, "overlap", **fields)
    assert found.record == KeyRecord(2000, content.key_sha256, until, "overlap")


def test_a_request_is_met_once_and_can_be_made_again_when_it_was_taken_back() -> None:
    met = due(made(), "now")
    assert due(met, "now") == met
    taken_back = due(met)
    assert (taken_back.key, taken_back.record.request) == (met.key, "")
    assert due(taken_back, "now").key != met.key


def test_a_request_that_nobody_understands_changes_nothing() -> None:
    content = made()
    assert due(content, "soon") == content


def test_a_key_is_replaced_at_its_age_and_not_before() -> None:
    content, rotation = made(at=1000), {"every": "1h"}
    assert due(content, now=1000 + HOUR - 1, rotation=rotation) == content
    found = due(content, now=1000 + HOUR, rotation=rotation)
    assert found.record == KeyRecord(1000 + HOUR, content.key_sha256, 1000 + HOUR + HOUR // 2)


def test_the_address_of_the_router_changes_without_another_key() -> None:
    content = made()
    found = key_due(content, spec(), "", "https://llm", 2000.0)
    assert found == content._replace(base_url="https://llm")


def test_a_key_is_looked_at_when_it_is_replaced_when_the_former_ends_and_when_it_ends() -> None:
    record = KeyRecord(1000, "former", 3000)
    declared = spec(rotation={"every": "1h"}, expiresAt="1970-01-01T02:00:00Z")
    assert rotates_at(record, declared) == 4600
    turns = [next_turn(record, declared, now) for now in (2000, 3000, 4600, 7200)]
    assert turns == [3000, 4600, 7200, None]
