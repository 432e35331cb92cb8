"""How much to think, in the words of each generation."""

from __future__ import annotations

import pytest

from airouter.dialects.conversation import Json, Thinking, Unsupported
from unit.dialects.gemini.asking import asked, body_of

FLASH_25 = "gemini-2.5-flash"
PRO_25 = "gemini-2.5-pro"
FLASH_3 = "gemini-3-flash-preview"
PRO_3 = "gemini-3-pro-preview"
PRO_31 = "gemini-3.1-pro-preview"
FLASH_37 = "gemini-3.7-flash"
OFF = Thinking(mode="off")


def thinking(model: str, wanted: Thinking | None) -> Json | None:
    config: Json = body_of(asked(thinking=wanted), model).get("generationConfig", {})
    return config.get("thinkingConfig")


@pytest.mark.parametrize("model", ["gemini-2.0-flash", FLASH_25, PRO_25, FLASH_3, PRO_3])
def test_who_does_not_ask_leaves_it_to_the_model(model: str) -> None:
    assert thinking(model, None) is None


@pytest.mark.parametrize(
    ("wanted", "budget"),
    [
        (Thinking(effort="minimal"), 1_024),
        (Thinking(effort="low"), 2_048),
        (Thinking(effort="medium"), 8_192),
        (Thinking(effort="high"), 16_384),
        (Thinking(effort="xhigh"), 24_576),
        (Thinking(effort="max"), 24_576),
        (Thinking(mode="on", budget=5_000), 5_000),
        (Thinking(mode="on", budget=90_000), 24_576),
        (Thinking(mode="adaptive"), -1),
        (Thinking(mode="adaptive", effort="low"), 2_048),
        (Thinking(summary="auto"), -1),
    ],
)
@pytest.mark.parametrize("model", [FLASH_25, PRO_25, "gemini-2.5-flash-lite"])
def test_until_2_5_it_is_a_budget(model: str, wanted: Thinking, budget: int) -> None:
    assert thinking(model, wanted) == {"thinkingBudget": budget, "includeThoughts": True}


@pytest.mark.parametrize(
    ("model", "least"), [(FLASH_25, 100), (PRO_25, 128), ("gemini-2.5-flash-lite", 512)]
)
def test_a_budget_is_one_that_the_model_takes(model: str, least: int) -> None:
    wanted = Thinking(mode="on", budget=100)
    assert thinking(model, wanted) == {"thinkingBudget": least, "includeThoughts": True}


@pytest.mark.parametrize(
    ("model", "levels"),
    [
        (FLASH_3, ["MINIMAL", "LOW", "MEDIUM", "HIGH", "HIGH", "HIGH"]),
        (PRO_3, ["LOW", "LOW", "HIGH", "HIGH", "HIGH", "HIGH"]),
        (PRO_31, ["LOW", "LOW", "MEDIUM", "HIGH", "HIGH", "HIGH"]),
        (FLASH_37, ["LOW", "LOW", "MEDIUM", "HIGH", "HIGH", "HIGH"]),
    ],
)
def test_from_3_on_it_is_a_level_that_the_model_has(model: str, levels: list[str]) -> None:
    efforts = [
        Thinking(effort="minimal"),
        Thinking(effort="low"),
        Thinking(effort="medium"),
        Thinking(effort="high"),
        Thinking(effort="xhigh"),
        Thinking(effort="max"),
    ]
    assert [thinking(model, effort) for effort in efforts] == [
        {"thinkingLevel": level, "includeThoughts": True} for level in levels
    ]


@pytest.mark.parametrize(
    ("budget", "level"), [(1_024, "LOW"), (2_048, "LOW"), (8_192, "MEDIUM"), (8_193, "HIGH")]
)
def test_a_budget_is_told_as_the_level_that_comes_nearest(budget: int, level: str) -> None:
    wanted = Thinking(mode="on", budget=budget)
    assert thinking(FLASH_3, wanted) == {"thinkingLevel": level, "includeThoughts": True}


@pytest.mark.parametrize("wanted", [Thinking(mode="adaptive"), Thinking(mode="on")])
def test_a_model_with_levels_may_choose_its_own(wanted: Thinking) -> None:
    assert thinking(PRO_3, wanted) == {"includeThoughts": True}


@pytest.mark.parametrize("model", [FLASH_25, FLASH_3])
def test_thoughts_are_shown_unless_the_client_wants_none(model: str) -> None:
    shown = thinking(model, Thinking(effort="high", summary="omitted"))
    assert shown is not None
    assert "includeThoughts" not in shown


@pytest.mark.parametrize(
    "wanted", [OFF, Thinking(effort="none"), Thinking(mode="off", effort="high")]
)
def test_a_model_that_can_be_without_is(wanted: Thinking) -> None:
    assert thinking(FLASH_25, wanted) == {"thinkingBudget": 0}
    assert thinking(FLASH_3, wanted) == {"thinkingLevel": "MINIMAL"}
    assert thinking("gemini-2.0-flash", wanted) is None


@pytest.mark.parametrize(
    ("model", "least"),
    [
        (PRO_25, {"thinkingBudget": 128}),
        (PRO_3, {"thinkingLevel": "LOW"}),
        (PRO_31, {"thinkingLevel": "LOW"}),
        (FLASH_37, {"thinkingLevel": "LOW"}),
    ],
)
@pytest.mark.parametrize("wanted", [OFF, Thinking(effort="none")])
def test_a_model_that_always_thinks_thinks_as_little_as_it_can(
    model: str, least: Json, wanted: Thinking
) -> None:
    assert thinking(model, wanted) == least


def test_a_model_that_never_thinks_has_nothing_to_decide() -> None:
    assert thinking("gemini-2.0-flash", Thinking(mode="adaptive", effort="high")) is None


@pytest.mark.parametrize("model", ["gemini-2.0-flash", "gemini-1.5-pro-002"])
def test_a_model_that_never_thinks_says_so(model: str) -> None:
    with pytest.raises(Unsupported) as refused:
        thinking(model, Thinking(effort="low"))
    assert refused.value.field == "thinking"
