"""Arguments of tools, as models and clients write them."""

from __future__ import annotations

import pytest

from airouter.dialects.conversation import ToolCall, Turn
from airouter.dialects.functions import arguments_object, custom_input
from airouter.failures import Failure

DEEP = '{"a":' * 100_000


@pytest.mark.parametrize("arguments", [DEEP, DEEP + "1" + "}" * 100_000, "[]", '{"input":7}', ""])
def test_arguments_that_keep_to_no_schema_are_the_input_of_a_custom_tool(arguments: str) -> None:
    assert custom_input(arguments) == arguments


@pytest.mark.parametrize("arguments", [DEEP, "[]", "7", "{", "null"])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    turn = Turn(role="assistant", parts=(), at="messages[1]")
    with pytest.raises(Failure) as failure:
        arguments_object(ToolCall(id="c", name="f", arguments=arguments), turn)
    assert failure.value.param == "messages[1]"
