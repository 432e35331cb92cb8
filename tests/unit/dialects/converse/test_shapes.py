"""The walker over botocore's model: a test that it holds bodies to what the model says."""

from __future__ import annotations

from typing import Any

import pytest

from support.converse_shapes import problems

HELLO: Any = [{"role": "user", "content": [{"text": "Hello"}]}]
TOOL: Any = {"toolSpec": {"name": "a", "inputSchema": {"json": {"any": ["thing", 1]}}}}


def image(**changes: Any) -> Any:
    block = {"format": "png", "source": {"bytes": "aGk="}, **changes}
    return [{"role": "user", "content": [{"image": block}]}]


def test_a_right_body_has_no_problems() -> None:
    assert problems("Converse", {"messages": HELLO, "toolConfig": {"tools": [TOOL]}}) == []
    assert problems("ConverseStream", {"messages": image()}) == []
    assert problems("CountTokens", {"input": {"converse": {"messages": HELLO}}}) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ([], "not an object"),
        ({"message": HELLO}, ".message: unknown"),
        ({"messages": "Hello"}, ".messages: not a list"),
        ({"messages": [{"role": "user"}]}, ".messages[0].content: required"),
        ({"messages": [{"role": "tool", "content": []}]}, "'tool' is not one of"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "not exactly one of a union"),
        (
            {"messages": [{"role": "user", "content": [{"text": "a", "image": {}}]}]},
            "not exactly one of a union",
        ),
        ({"messages": [{"role": "user", "content": [{"text": 7}]}]}, "not a text"),
        ({"messages": image(format="tiff")}, "'tiff' is not one of"),
        ({"messages": image(source={"bytes": ""})}, "0 is less than 1"),
        ({"messages": image(source={"s3Location": {"uri": "http://a"}})}, "is not s3://"),
        ({"inferenceConfig": {"maxTokens": 0}}, "0 is less than 1"),
        ({"inferenceConfig": {"maxTokens": 1.5}}, "not a whole number"),
        ({"inferenceConfig": {"temperature": 1.01}}, "1.01 is more than 1"),
        ({"inferenceConfig": {"temperature": True}}, "not a number"),
        ({"toolConfig": {"tools": []}}, "0 is less than 1"),
        ({"toolConfig": {"tools": [{"toolSpec": {**TOOL["toolSpec"], "name": "a.b"}}]}}, "'a.b'"),
        ({"toolConfig": {"tools": [{"toolSpec": {**TOOL["toolSpec"], "strict": 1}}]}}, "true or"),
        ({"requestMetadata": {"a": "ü"}}, ".requestMetadata.a"),
        ({"requestMetadata": {"a": "x" * 257}}, "257 is more than 256"),
    ],
)
def test_a_wrong_body_has_a_problem_that_says_where(body: Any, problem: str) -> None:
    found = problems("Converse", body)
    assert any(problem in each for each in found), found
