"""Arguments of tools, as models and clients write them."""

from __future__ import annotations

import pytest

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
