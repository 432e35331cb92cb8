"""The page about fields: each is on it, and says why where it does not reach a provider."""

from __future__ import annotations

import msgspec
import pytest

from airouter.dialects.chat import schema as chat
from airouter.dialects.messages import schema as messages
from airouter.dialects.responses import schema as responses
from contract.matrix.crossings import LEFT_OUT, PAGE, REFUSED, UPSTREAMS, crossings, fate
from contract.matrix.fields import APIS, Field, fields_of

SCHEMAS: dict[str, type[msgspec.Struct]] = {
    "chat": chat.Request,
    "responses": responses.Request,
    "messages": messages.Request,
}
FIELDS = [
    pytest.param(api, field, id=f"{api}-{field.name}") for api in APIS for field in APIS[api][1]
]


def test_the_page_about_fields_is_what_becomes_of_them() -> None:
    assert PAGE.read_text() == crossings(), "run `make translations`"


@pytest.mark.parametrize("api", APIS)
def test_every_field_that_is_read_is_on_the_page(api: str) -> None:
    named = {field.name for field in APIS[api][1]} - {"any_other"}
    assert named == fields_of(SCHEMAS[api], api)


@pytest.mark.parametrize(("api", "field"), FIELDS)
def test_nothing_is_left_out_or_refused_without_a_reason(api: str, field: Field) -> None:
    fates = {fate(api, field, to) for to in UPSTREAMS}
    assert field.why or not {LEFT_OUT, REFUSED} & fates
