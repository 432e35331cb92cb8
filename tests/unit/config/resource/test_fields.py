from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from airouter.config.resource.fields import (
    LabelKey,
    LabelValue,
    Line,
    ModelGlob,
    ModelName,
    Name,
    ObjectName,
    Pause,
    Period,
    Price,
    Ratio,
    Timeout,
    UpstreamName,
)


def accepts(annotation: Any, value: object) -> bool:
    try:
        TypeAdapter(annotation).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("5s", 5.0), ("1m30s", 90.0), ("2h", 7200.0), ("1h1m1s1ms", 3661.001)],
)
def test_a_duration_becomes_seconds(text: str, seconds: float) -> None:
    assert TypeAdapter(Timeout).validate_python(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "5", 5, "5 seconds", "-5s", "1.5s", "s", "1d", "123456s", "1s1s1s1s1s", "٣s", None]
)
def test_anything_else_is_no_duration(text: object) -> None:
    assert not accepts(Timeout, text)


def test_a_duration_has_bounds() -> None:
    assert not accepts(Timeout, "0s")
    assert not accepts(Timeout, "25h")
    assert accepts(Pause, "0s")
    assert not accepts(Pause, "2h")
    assert not accepts(Period, "999ms")
    assert accepts(Period, "720h")


@pytest.mark.parametrize(
    ("annotation", "fix"),
    [
        (Timeout, "use 1ms to 24h"),
        (Pause, "use 0s to 1h"),
        (Period, "use 1s to 720h"),
    ],
)
def test_bounds_are_told_as_people_write_them(annotation: Any, fix: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(annotation).validate_python("99999h")
    assert refused.value.errors()[0]["ctx"]["fix"] == fix


@pytest.mark.parametrize(
    ("annotation", "good", "bad"),
    [
        (Name, ["a", "a-1", "0", "x" * 63], ["", "A", "-a", "a-", "a.b", "x" * 64, "a\n", "é"]),
        (ObjectName, ["a.b-c", "x" * 253], ["", "a..b", ".a", "A", "x" * 254, "a/b", "a\n"]),
        (
            ModelName,
            ["gpt-4o", "openai/gpt-4.1:free", "@cf/meta/llama", "a_b", "x" * 253],
            ["", "-a", "/a", "a b", "a?", "x" * 254, "gpt\n", "é"],
        ),
        (ModelGlob, ["*", "gpt-*", "[a-z]?", "[!x]*"], ["", "a b", "x" * 254, "{a,b}"]),
        (UpstreamName, ["a", "my model (x)", "é" * 253], ["", " a", "a ", "a\x7fb", "x" * 254]),
        (Line, ["a b"], ["", "a\nb", "x" * 254]),
        (LabelKey, ["tier", "a.example/tier"], ["", "/tier", "a/b/c", "-x", "x" * 64]),
        (LabelValue, ["", "paid", "a_b.c"], ["-a", "a b", "x" * 64]),
        (Price, ["2", "2.50", "0.000001"], ["", "-1", "1.", ".5", "1e3", "1.0000001", 2.5]),
        (Ratio, ["0", "1", "1.0", "0.25"], ["", "1.1", "2", "-0", "01", 1.0]),
    ],
)
def test_scalars_have_a_grammar(annotation: Any, good: list[object], bad: list[object]) -> None:
    assert [value for value in good if not accepts(annotation, value)] == []
    assert [value for value in bad if accepts(annotation, value)] == []
