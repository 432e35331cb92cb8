"""Bodies that are edited only where they must be."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airouter.config.snapshot import Parameters
from airouter.dialects.client_request import Edits, parse_client_request, render_passthrough
from airouter.dialects.reserved_fields import READ_OR_SET
from airouter.failures import Failure
from airouter.limits.estimates import MOST_OUTPUT

UPSTREAM = msgspec.Raw(b'"real"')
NO_EDITS = Edits(Parameters())

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def decides_nothing(name: str) -> bool:
    return name.casefold() not in READ_OR_SET


def rendered(body: bytes, **parameters: Any) -> bytes:
    return render_passthrough(parse_client_request(body), UPSTREAM, Edits(Parameters(**parameters)))


def failure(body: bytes) -> Failure:
    with pytest.raises(Failure) as caught:
        parse_client_request(body)
    assert caught.value.status == 400
    return caught.value


@given(st.dictionaries(st.text(max_size=8).filter(decides_nothing), json_values, max_size=5))
def test_every_field_survives(fields: dict[str, Any]) -> None:
    fields |= {"model": "m", "stream": False}
    sent = json.loads(rendered(json.dumps(fields).encode()))
    assert sent == fields | {"model": "real"}


def test_values_survive_to_the_byte() -> None:
    body = b'{"model":"m","a":1.0,"b":1e400,"c":12345678901234567890123,"d":"\\u00e9\\/","e":[ 1 ]}'
    assert rendered(body) == body.replace(b'"m"', b'"real"')


def test_a_field_given_twice_reaches_the_provider_once_as_we_read_it() -> None:
    assert parse_client_request(b'{"model":"first","model":"last"}').model == "last"
    assert rendered(b'{"model":"first","model":"last"}') == b'{"model":"real"}'
    assert rendered(b'{"mod\\u0065l":"m"}') == b'{"model":"real"}'


@pytest.mark.parametrize("lookalike", ["Model", "MODEL", "mod\\u0045l", "\u006dodeL"])
def test_a_model_in_another_case_is_not_asked_for(lookalike: str) -> None:
    body = f'{{"model":"allowed","{lookalike}":"secret"}}'.encode()
    assert rendered(body) == b'{"model":"real"}'


@pytest.mark.parametrize("lookalike", ["MAX_TOKENS", "Max_Tokens", "max_to\N{KELVIN SIGN}ens"])
@pytest.mark.parametrize(
    ("parameters", "sent"),
    [
        ({"override": {"max_tokens": 5}}, {"max_tokens": 5}),
        ({"drop": ("max_tokens",)}, {}),
        ({"defaults": {"max_tokens": 5}}, {"max_tokens": 5}),
    ],
)
def test_no_case_of_a_field_gets_past_the_parameters_of_a_model(
    lookalike: str, parameters: dict[str, Any], sent: dict[str, Any]
) -> None:
    body = json.dumps({"model": "m", lookalike: 9}, ensure_ascii=False).encode()
    assert json.loads(rendered(body, **parameters)) == {"model": "real", **sent}


@pytest.mark.parametrize("name", [*MOST_OUTPUT, "n"])
def test_no_case_of_a_field_asks_for_more_than_limits_reserve(name: str) -> None:
    assert json.loads(rendered(json.dumps({"model": "m", name: 1, name.upper(): 9}).encode())) == {
        "model": "real",
        name: 1,
    }


def test_a_long_s_is_an_s_to_providers_too() -> None:
    fields = {"\N{LATIN SMALL LETTER LONG S}tream": True, "\N{LATIN SMALL LETTER LONG S}top": "x"}
    body = json.dumps({"model": "m", **fields}, ensure_ascii=False).encode()
    assert json.loads(rendered(body, drop=("stop",))) == {"model": "real"}


def test_the_owner_of_a_model_may_use_any_case() -> None:
    sent = rendered(b'{"model":"m","topk":1,"TopK":2,"topK":3}', override={"topK": 9})
    assert json.loads(sent) == {"model": "real", "topK": 9}


def test_a_field_of_a_provider_may_be_in_any_case() -> None:
    assert rendered(b'{"model":"m","topK":1,"TopK":2}') == b'{"model":"real","topK":1,"TopK":2}'


@pytest.mark.parametrize(
    "options",
    [
        '{"include_usage": true, "Include_Usage": false}',
        '{"include_usage": false, "include_usage": true}',
        '{"INCLUDE_USAGE": false}',
    ],
)
def test_no_case_of_an_option_turns_the_usage_of_a_stream_off(options: str) -> None:
    sent = rendered(f'{{"model":"m","stream":true,"stream_options":{options}}}'.encode())
    assert sent == b'{"model":"real","stream":true,"stream_options":{"include_usage":true}}'


@given(st.binary(max_size=60))
def test_no_body_is_worse_than_a_bad_request(body: bytes) -> None:
    with contextlib.suppress(Failure):
        assert parse_client_request(body).model


def test_half_of_a_character_makes_no_body_unreadable() -> None:
    body = rb'{"model":"m","messages":[{"role":"user","content":"cut \ud83d"}]}'
    assert rendered(body).endswith(rb'"content":"cut \ufffd"}]}')


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"model":"m",}', "at line 1, column 1"),
        (b'{\n "a": 1,\n "b": tru\n}', "at line 3, column 8"),
        (b'{"a": "\xc3\xa9", b}', "at line 1, column 12"),
        (b'{"model": "m"', "at line 1, column 14"),
        (b'{"model":"m"} x', "at line 1, column 1"),
        (b'{"a": "\xff"', "byte 7 is not UTF-8"),
        (b'{"a": NaN}', "invalid character at line 1, column 7"),
        (b'{"a": %b, b}' % (b"9" * 5_000), "at line 1, column 5009"),
        (rb'{"a": "\ud83d", b}', "at line 1, column 17"),
        (b"", "it is empty"),
        (b"[]", "not an object"),
        (b"[" * 100_000, "not an object"),
        (b'{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_malformed_json_is_told_with_its_position(body: bytes, where: str) -> None:
    found = failure(body)
    assert where in found.message
    assert found.code == "invalid_json"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{}", "model"),
        (b'{"model": null}', "model"),
        (b'{"model": ""}', "model"),
        (b'{"model": ["m"]}', "model"),
        (b'{"model": "\xff"}', "model"),
        (b'{"model": "m", "stream": 1}', "stream"),
        (b'{"model": "m", "stream": "true"}', "stream"),
        (b'{"model": "m", "stream": true, "stream_options": []}', "stream_options"),
        (
            b'{"model": "m", "stream": true, "stream_options": {"include_usage": 1}}',
            "include_usage",
        ),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(body: bytes, param: str) -> None:
    assert failure(body).param == param


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        (None, {"include_usage": True}),
        ("null", {"include_usage": True}),
        ('{"include_usage": false}', {"include_usage": True}),
        ('{"include_obfuscation": false}', {"include_obfuscation": False, "include_usage": True}),
        ('{"include_usage": true, "x": 1}', {"include_usage": True, "x": 1}),
    ],
)
def test_a_stream_is_asked_for_its_usage(options: str | None, sent: dict[str, Any]) -> None:
    extra = f', "stream_options": {options}' if options else ""
    body = f'{{"model": "m", "stream": true{extra}}}'.encode()
    assert json.loads(rendered(body))["stream_options"] == sent


@pytest.mark.parametrize("stream", [b"false", b"null"])
def test_what_is_no_stream_is_not_asked(stream: bytes) -> None:
    assert b"stream_options" not in rendered(b'{"model":"m","stream":%b}' % stream)


def test_defaults_give_way_overrides_do_not_and_drops_go_last() -> None:
    body = b'{"model": "m", "a": 1, "b": 1, "c": 1}'
    sent = rendered(body, defaults={"a": 2, "z": 2}, override={"b": 2, "c": 2}, drop=("c", "none"))
    assert json.loads(sent) == {"model": "real", "a": 1, "b": 2, "z": 2}


def test_a_request_can_be_rendered_again_for_another_backend() -> None:
    request = parse_client_request(b'{"model": "m", "stream": true}')
    first = render_passthrough(
        request, UPSTREAM, Edits(Parameters(override={"a": 1}, drop=("stream",)))
    )
    second = render_passthrough(request, msgspec.Raw(b'"other"'), NO_EDITS)
    assert b'"a":1' in first
    assert json.loads(second) == {
        "model": "other",
        "stream": True,
        "stream_options": {"include_usage": True},
    }
