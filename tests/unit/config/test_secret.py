import base64
from typing import Any

import pytest

from airouter.config.documents import documents
from airouter.config.resource import Secret
from airouter.config.secret import OpenedSecret, open_secret

ENVIRON = {"KEY": "sk-1", "EMPTY": "", "CERT": base64.b64encode(b"pem").decode()}


def opened(fields: str) -> OpenedSecret:
    text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: keys}}\n{fields}\n"
    (document,) = documents(text)
    return open_secret(document, ENVIRON)


def value(text: str) -> str:
    return opened(f"stringData: {{k: '{text}'}}").values["k"]


def problems(fields: str) -> list[tuple[Any, ...]]:
    return [(problem.path, problem.what) for problem in opened(fields).problems]


def test_values_stand_as_text_or_in_base64() -> None:
    found = opened("stringData: {a: x}\ndata: {b: eQ==}\ntype: Opaque\nimmutable: true")
    assert (found.name, found.values, found.problems) == ("keys", {"a": "x", "b": "y"}, [])


def test_text_wins_over_base64() -> None:
    assert opened("stringData: {a: x}\ndata: {a: eQ==}").values == {"a": "x"}


def test_base64_may_be_written_in_several_lines() -> None:
    assert opened("data:\n  a: |\n    aGVs\n    bG8=\n").values == {"a": "hello"}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("${KEY}", "sk-1"),
        ("a-${KEY}-${KEY}", "a-sk-1-sk-1"),
        ("${EMPTY}", ""),
        ("$${KEY}", "${KEY}"),
        ("$KEY", "$KEY"),
        ("$", "$"),
        ("$$", "$$"),
        ("{KEY}", "{KEY}"),
    ],
)
def test_a_variable_is_replaced(text: str, meant: str) -> None:
    assert value(text) == meant


def test_a_variable_may_hold_base64() -> None:
    assert opened("data: {ca.crt: '${CERT}'}").values == {"ca.crt": "pem"}


def test_every_missing_variable_is_named() -> None:
    found = opened("stringData: {a: '${ONE} ${TWO}', b: x}")
    assert [(p.path, p.what) for p in found.problems] == [
        (("stringData", "a"), "the environment has no variable 'ONE'"),
        (("stringData", "a"), "the environment has no variable 'TWO'"),
    ]
    assert found.values == {"b": "x"}


@pytest.mark.parametrize("text", ["${", "${}", "${A", "${A-B}", "${1A}", "x ${ y"])
def test_a_broken_reference_is_a_problem(text: str) -> None:
    assert problems(f"stringData: {{a: '{text}'}}") == [
        (("stringData", "a"), "has ${ without the name of a variable")
    ]


def test_text_that_cannot_be_used_does_not_fall_back_to_base64() -> None:
    assert opened("stringData: {a: '${NOBODY}'}\ndata: {a: eQ==}").values == {}


@pytest.mark.parametrize("text", ["=", "a b c", "é", "gA==", "x"])
def test_what_is_not_base64_is_a_problem(text: str) -> None:
    assert problems(f"data: {{a: '{text}'}}") == [(("data", "a"), "is not text in base64")]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ("stringData: {a: 1}", ("stringData", "a")),
        ("stringData: [a]", ("stringData",)),
        ("stringData: {a/b: x}", ("stringData", "a/b")),
        ("stringdata: {a: x}", ("stringdata",)),
        ("stringData: {a: x, a: y}", ("stringData", "a")),
    ],
)
def test_a_secret_of_the_wrong_form_is_not_used(fields: str, path: tuple[str, ...]) -> None:
    found = opened(fields)
    assert [p.path for p in found.problems] == [path]
    assert (found.name, found.values) == ("", {})


def test_a_secret_does_not_show_its_values() -> None:
    (document,) = documents("apiVersion: v1\nkind: Secret\nmetadata: {name: k}\ndata: {k: sk-1}")
    assert "sk-1" not in repr(document)
    assert "sk-1" not in repr(Secret.model_validate(document.root.value))
    assert "sk-1" not in repr(opened("stringData: {k: '${KEY}'}"))
