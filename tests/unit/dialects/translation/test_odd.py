"""Values of a type that nobody expects are refused as any other odd value, or passed on."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest

from airouter.dialects.client_request import parse_client_request
from airouter.failures import Failure
from unit.dialects.translation.test_linear import UPSTREAMS, translation
from unit.dialects.translation.wording import HELLO, WORDINGS, Offer, Wish


def deep(levels: int) -> msgspec.Raw:
    """A schema in a schema."""
    begin, end = b'{"type":"object","properties":{"a":', b"}}"
    return msgspec.Raw(begin * levels + b"true" + end * levels)


def strict(**schema: Any) -> Wish:
    """A wish for an answer, and a tool, of a schema."""
    return Wish(schema=schema, tools=[Offer("f", schema, strict=True)])


def item(**fields: Any) -> Wish:
    """A wish with an item, in the words of Responses."""
    return Wish(more={"input": [fields]})


def inner_tool(**fields: Any) -> Wish:
    """A wish with a tool in a namespace."""
    return Wish(more={"tools": [{"type": "namespace", "name": "n", "tools": [fields]}]})


ODD: dict[str, Wish] = {
    "an item whose type is an object": item(type={"a": 1}),
    "an item whose type is a list": item(type=[]),
    "an item whose type is null": item(type=None),
    "a tool whose type is a list": inner_tool(type=[], name="f"),
    "a bound that is a list": strict(type="array", minItems=[]),
    "a bound that is an object": strict(type="string", minLength={}, description="d"),
    "a description that is an object": strict(type="string", minLength=2, description={}),
    "a description that is a number": strict(type="string", minLength=2, description=7),
    "a type that is a list": strict(type=["object", []], properties=[]),
    "a schema of 150 levels": strict(type="object", properties={"a": deep(150)}),
    "a schema of 500 levels": strict(type="object", properties={"a": deep(500)}),
    "a schema of 3,000 levels": strict(type="object", properties={"a": deep(3_000)}),
    "a choice that is an object": Wish([HELLO], more={"tool_choice": {"type": {}}}),
}


@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize("api", WORDINGS)
@pytest.mark.parametrize("name", ODD)
def test_an_odd_value_is_never_worse_than_a_bad_request(name: str, api: str, upstream: str) -> None:
    body = msgspec.json.encode(WORDINGS[api](ODD[name]))
    way = translation(api, upstream)
    with contextlib.suppress(Failure):
        request = parse_client_request(body)
        way.fetches(request)
        assert way.encode(request)
