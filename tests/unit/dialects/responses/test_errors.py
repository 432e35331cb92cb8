"""Errors inside a stream of Responses, in a form that every SDK takes for one."""

from __future__ import annotations

import json

import pytest

from airouter.dialects.responses.errors import error_event
from airouter.failures import Failure


@pytest.mark.parametrize(("code", "told"), [(None, "server_error"), ("odd", "odd")])
def test_an_error_has_a_code_without_which_the_ai_sdk_does_not_see_it(
    code: str | None, told: str
) -> None:
    event = error_event(Failure(502, "No.", type="server_error", code=code), 7)
    error = json.loads(event.partition(b"data: ")[2])
    assert (error["code"], error["message"], error["sequence_number"]) == (told, "No.", 7)
    assert (error["error"]["code"], error["error"]["type"]) == (told, "server_error")
