"""Bodies that are not what a dialect has, and how a client is told."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airouter.dialects.checking import checked_body
from airouter.failures import Failure


class Function(msgspec.Struct, forbid_unknown_fields=True, tag="function"):
    name: str


class Custom(msgspec.Struct, forbid_unknown_fields=True, tag="custom"):
    grammar: str | None = None


class Body(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    tools: list[Function | Custom] = []
    bias: dict[str, float] = {}
    seed: int | None = None


decoder = msgspec.json.Decoder(Body)


def failure(body: bytes) -> Failure:
    with pytest.raises(Failure) as caught:
        checked_body(body, decoder)
    assert caught.value.status == 400
    assert caught.value.type == "invalid_request_error"
    return caught.value


def test_a_body_that_is_right_is_read() -> None:
    body = b'{"model":"m","tools":[{"type":"function","name":"f"}],"bias":{"7":1}}'
    assert checked_body(body, decoder) == Body(
        model="m", tools=[Function(name="f")], bias={"7": 1.0}
    )


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        (b"{}", "model", "missing_required_parameter"),
        (b'{"model":7}', "model", "invalid_value"),
        (b'{"model":"m","seed":1.5}', "seed", "invalid_value"),
        (b'{"model":"m","sed":1}', "sed", "unknown_parameter"),
        (b'{"model":"m","tools":{}}', "tools", "invalid_value"),
        (
            b'{"model":"m","tools":[{"type":"function"}]}',
            "tools[0].name",
            "missing_required_parameter",
        ),
        (
            b'{"model":"m","tools":[{"type":"function","name":"f","x":1}]}',
            "tools[0].x",
            "unknown_parameter",
        ),
        (b'{"model":"m","tools":[{"type":"other"}]}', "tools[0].type", "invalid_value"),
        (b'{"model":"m","bias":{"7":"much"}}', "bias[...]", "invalid_value"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(body: bytes, param: str, code: str) -> None:
    found = failure(body)
    assert (found.param, found.code) == (param, code)
    assert param in found.message


@pytest.mark.parametrize("body", [b"[]", b"7", b'"text"', b"null"])
def test_what_is_no_object_is_told_so(body: bytes) -> None:
    found = failure(body)
    assert (found.param, found.code) == (None, "invalid_value")
    assert "object" in found.message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'model':'m'}",
        b'{"model":"m"} {}',
        b'{"model":"\xff"}',
        b'{"model":NaN}',
        b'{"tools":' + b"[" * 100_000,
        b'{"model":"m","seed":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=range(8),
)
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    assert failure(body).code in {"invalid_json", "invalid_value"}


@given(st.text(max_size=30).filter(lambda name: name not in Body.__struct_fields__))
def test_a_field_that_nobody_knows_is_named_whatever_its_name(name: str) -> None:
    found = failure(msgspec.json.encode({"model": "m", name: 1}))
    assert found.code == "unknown_parameter"


@given(st.binary(max_size=60))
def test_any_bytes_are_harmless(body: bytes) -> None:
    with contextlib.suppress(Failure):
        assert isinstance(checked_body(body, decoder), Body)
