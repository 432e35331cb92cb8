"""Arguments of tools, as models and clients write them."""

from __future__ import annotations

import msgspec
import pytest

from airouter.dialects.client_request import MOST_VALUES
from airouter.dialects.conversation import ToolCall
from airouter.dialects.functions import arguments_object, custom_input

DEEP = '{"a":' * 100_000


@pytest.mark.parametrize("arguments", [DEEP, DEEP + "1" + "}" * 100_000, "[]", '{"input":7}', ""])
def test_arguments_that_keep_to_no_schema_are_the_input_of_a_custom_tool(arguments: str) -> None:
    assert custom_input(arguments) == arguments


@pytest.mark.parametrize("arguments", [DEEP, "[]", "7", "{", "null"])
def test_arguments_that_are_no_object_are_wrapped_in_one(arguments: str) -> None:
    call = ToolCall(id="c", name="f", arguments=arguments)
    assert arguments_object(call) == {"INVALID_JSON": arguments}


@pytest.mark.parametrize("arguments", ["{}", '{"a":[{}, 1e400, "\\u00e9"]}', ' {"a":1,"a":2}\n'])
def test_arguments_go_on_as_they_stand(arguments: str) -> None:
    given = arguments_object(ToolCall(id="c", name="f", arguments=arguments))
    assert isinstance(given, msgspec.Raw)
    assert msgspec.json.encode({"input": given}) == b'{"input":%b}' % arguments.encode()


def test_arguments_of_very_many_values_are_no_object() -> None:
    arguments = '{"a":[' + "{}," * (MOST_VALUES // 3) + "1]}"
    given = arguments_object(ToolCall(id="c", name="f", arguments=arguments))
    assert given == {"INVALID_JSON": arguments}
