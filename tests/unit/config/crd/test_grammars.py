"""The patterns of the CRD and the grammars of the models take the same texts.

The texts are good ones and their neighbours, with a character more, less or other: two patterns
that differ do so somewhere there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from airouter.config.resource import fields as grammar
from airouter.config.resource.bans import ErrorCode, StatusOrClass
from airouter.config.resource.budget import TimeZone, Usd
from airouter.config.resource.credential import Mock
from airouter.config.resource.http import OWN_HEADERS, BaseURL, HeaderName, HeaderValue, ServicePath
from airouter.config.resource.identities import AccountGlob, Audience, ClaimName, Issuer
from airouter.config.resource.policies import Origin, RedactedPath, RequestHeader
from airouter.config.resource.routerkey import Lifetime, Overlap
from support.crd.grammars import KEYS, OWN_HEADER, PORT, SCALARS, TOKENS, validator
from support.crd.mirror import seconds
from support.crd.schema import RULES, Schema, matches, violations

Check = Callable[[str], bool]

CHARACTERS = [*map(chr, range(0x80)), *"\x80\x85\x9f\xa0\xa1\xac\xad\xae\xff\u0100\u0660\u2028€😀"]

SAME = [
    (grammar.Name, ["a", "a0-b", "a" * 63]),
    (grammar.ObjectName, ["a", "a-0.b.c", "a" * 253]),
    (grammar.DataKey, ["A_b.c-0", "k" * 253]),
    (grammar.ModelName, ["m", "@cf/a:b.c_d-0", "m" * 253]),
    (grammar.ModelGlob, ["*gpt-?[!a]/b:@", "m" * 253]),
    (grammar.UpstreamName, ["m", "a model (ü)", "m" * 253]),
    (grammar.Line, ["a line", "l" * 253]),
    (grammar.LabelValue, ["", "A_b.c-0", "v" * 63]),
    (grammar.Price, ["10", "1234567.123456"]),
    (Usd, ["100.00", "0.5", "999999.999999", "0.000001", "0.000000001"]),
    (grammar.Ratio, ["1", "0.123456", "1.000000"]),
    (grammar.Timeout, ["1ms", "24h", "86400000ms", "1h30m5s10ms"]),
    (grammar.Pause, ["0s", "60m", "00001ms00001ms00001ms00001ms"]),
    (grammar.Period, ["1000ms", "720h"]),
    (grammar.Lapse, ["0s", "720h"]),
    (Lifetime, ["1h", "8760h", "60m"]),
    (Overlap, ["0s", "8760h", "1h30m"]),
    (BaseURL, ["http://a", "http://a:1", "http://a:65535", "https://a-b.example:80/v1/x"]),
    (BaseURL, ["https://a/" + "x" * 2038]),
    (ServicePath, ["/", "/v1/x", "/~a/(b);c=d,e@f:g!$&*+%20", "/" + "x" * 252]),
    (HeaderName, ["x-team", "h" * 64, *sorted(OWN_HEADERS)]),
    (HeaderValue, ["", "a é value", "v" * 1024]),
    (AccountGlob, ["batch-*", "a.b?[c-d]!", "a" * 253]),
    (Audience, ["airouter", "https://llm.example.com/#1", "a" * 253]),
    (Issuer, ["https://login.example.com/", "i" * 512]),
    (ClaimName, ["sub", "https://example.com/id", "c" * 128]),
    (Origin, ["*", "https://chat.example.com", "http://localhost:3000", "app://x"]),
    (RedactedPath, ["$..arguments", "$.input[*].parts[0].*", "$." + "n" * 251]),
    (RequestHeader, ["x-team", "h" * 64]),
    (ErrorCode, ["insufficient_quota", "a.B-0", "c" * 64]),
    (StatusOrClass, ["4xx", "5xx"]),
]
"""Grammars that the CRD can express, and texts around which both must agree."""

LOOSER = [
    (BaseURL, ["http://[::1]:80/v1"]),
    (TimeZone, ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"]),
    (
        Mock.__annotations__["reply"],
        [
            *("echo", "text:", 'tool:f {"a": 1}', "tool: f  {} ", "tokens:1", "tokens:100000"),
            *("reasoning:", "reasoning:a", "reasoning:a\n", "reasoning:\necho"),
            *("reasoning:a:b\ntext:c\nd", "reasoning:a\ntool:f {}", "reasoning:a\ntokens:1"),
        ],
    ),
]
"""Grammars of which it can express a part: it must take all that the models take."""


def each_text(table: list[tuple[Any, list[str]]]) -> list[Any]:
    return [
        pytest.param(annotation, text, id=f"{number}-{text[:24]!a}")
        for number, (annotation, texts) in enumerate(table)
        for text in texts
    ]


def taker(annotation: Any) -> Check:
    """Whether the models take a text."""
    adapter = TypeAdapter(annotation)

    def takes(text: str) -> bool:
        try:
            adapter.validate_python(text, strict=True)
        except ValidationError:
            return False
        return True

    return takes


def crd_taker(schema: Schema) -> Check:
    """Whether the CRD takes a text, its rules included."""
    rules = [in_python(rule["rule"]) for rule in schema.get(RULES, [])]

    def takes(text: str) -> bool:
        well_formed = not list(violations({**schema, "type": "string"}, text))
        return well_formed and all(holds(text) for holds in rules)

    return takes


def in_python(rule: str) -> Check:
    """A rule of the CRD for texts that match its pattern."""
    if rule in RULES_IN_PYTHON:
        return RULES_IN_PYTHON[rule]
    least, most = (float(seconds(bound)) for bound in re.findall(r"duration\('(\w+)'\)", rule))
    return lambda text: least <= float(seconds(text)) <= most


def port_fits(url: str) -> bool:
    port = re.fullmatch(r"[^/]*//[^/]*:([0-9]+)(/.*)?", url)
    return port is None or 1 <= int(port[1]) <= 65535


def tokens_fit(reply: str) -> bool:
    count = re.fullmatch(r"(reasoning:[^\n]*\n)?tokens:([0-9]{1,6})", reply)
    return count is None or 1 <= int(count[2]) <= 100_000


RULES_IN_PYTHON: dict[str, Check] = {
    PORT: port_fits,
    TOKENS: tokens_fit,
    OWN_HEADER: lambda name: f"'{name.lower()}'" not in OWN_HEADER,
}


def neighbours(text: str) -> Iterator[str]:
    """A text, and what becomes of it with a character more, less or other."""
    yield text
    places = range(len(text) + 1) if len(text) < 40 else (0, 1, len(text) - 1, len(text))
    for at in places:
        yield text[:at] + text[at + 1 :]
        for character in CHARACTERS:
            yield text[:at] + character + text[at:]
            yield text[:at] + character + text[at + 1 :]


@pytest.mark.parametrize(("annotation", "text"), each_text(SAME))
def test_a_pattern_takes_what_the_grammar_takes(annotation: Any, text: str) -> None:
    model, crd = taker(annotation), crd_taker(SCALARS[validator(annotation)])
    assert [near for near in neighbours(text) if model(near) != crd(near)] == []


@pytest.mark.parametrize(("annotation", "text"), each_text(LOOSER))
def test_a_looser_pattern_takes_at_least_what_the_grammar_takes(annotation: Any, text: str) -> None:
    model, crd = taker(annotation), crd_taker(SCALARS[validator(annotation)])
    assert model(text)
    assert [near for near in neighbours(text) if model(near) and not crd(near)] == []


@pytest.mark.parametrize("text", ["a", "A_b.c-0", "a" * 63, "example.com/a", "d" * 253 + "/a"])
def test_the_rule_for_the_keys_of_labels_takes_what_the_grammar_takes(text: str) -> None:
    quoted = re.search(r"matches\('(.*)'\)", KEYS[validator(grammar.LabelKey)])
    assert quoted is not None
    pattern = quoted[1].replace("\\\\", "\\")
    model = taker(grammar.LabelKey)
    assert [near for near in neighbours(text) if model(near) != matches(pattern, near)] == []


def test_every_grammar_is_tried() -> None:
    tried = {validator(annotation) for annotation, _ in SAME + LOOSER}
    texts = {key for key, schema in SCALARS.items() if "pattern" in schema}
    assert texts - tried == set()
