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
    assert parse_mock_reply(reply) == (*parsed, None)


@pytest.mark.parametrize(
    ("reply", "parsed"),
    [
        ("reasoning:Hm: well.", ("echo", "", "Hm: well.")),
        ("reasoning:", ("echo", "", "")),
        ("reasoning:Hm.\n", ("echo", "", "Hm.")),
        ("reasoning:Hm.\necho", ("echo", "", "Hm.")),
        ("reasoning:Hm.\ntext:two\nlines", ("text", "two\nlines", "Hm.")),
        ("reasoning:Hm.\ntool:now {}\n", ("tool", "now {}", "Hm.")),
        ("text:reasoning:Hm.\necho", ("text", "reasoning:Hm.\necho", None)),
    ],
)
def test_a_first_line_says_what_is_thought_before_a_reply(
    reply: str, parsed: tuple[str, str, str | None]
) -> None:
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
        ("reasoning", "one of"),
        ("reasoning:Hm.\nshout", "one of"),
        ("reasoning:Hm.\nreasoning:Hm.", "one of"),
        ("reasoning:Hm.\ntokens:0", "whole number"),
    ],
)
def test_anything_else_is_refused_with_a_reason(reply: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_mock_reply(reply)
