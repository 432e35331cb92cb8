import pytest

from airouter.config.mock_reply import parse_mock_reply


@pytest.mark.parametrize(
    ("reply", "parsed"),
    [
        ("echo", ("echo", "")),
        ("text:", ("text", "")),
        ("text: two: words", ("text", " two: words")),
        ('tool:get_weather {"city": "Paris"}', ("tool", 'get_weather {"city": "Paris"}')),
        ("tool: now   {} ", ("tool", "now {}")),
        ("tokens:7", ("tokens", "7")),
        ("tokens:007", ("tokens", "7")),
    ],
)
def test_a_reply_is_a_kind_and_what_it_needs(reply: str, parsed: tuple[str, str]) -> None:
    assert parse_mock_reply(reply) == parsed


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "one of"),
        ("echo:", "one of"),
        ("text", "one of"),
        ("tool", "one of"),
        ("tokens", "one of"),
        ("Echo", "one of"),
        ("tool:", "function name"),
        ("tool:a.b {}", "function name"),
        ("tool:now", "JSON object"),
        ("tool:now []", "JSON object"),
        ("tool:now " + "[" * 5000, "JSON object"),
        ("tokens:0", "whole number"),
        ("tokens:100001", "whole number"),
        ("tokens:-1", "whole number"),
        ("tokens:²", "whole number"),
    ],
)
def test_anything_else_is_refused_with_a_reason(reply: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_mock_reply(reply)
