"""Settings that each family of models has in its own way: thinking, and sampling."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.dialects.conversation import (
    Format,
    Json,
    Reasoning,
    Sampling,
    Thinking,
    ToolChoice,
    Turn,
    Unsupported,
)
from unit.dialects.converse.asking import (
    GPT,
    LLAMA,
    NEWEST,
    NOVA,
    OLDER,
    SONNET,
    WEATHER,
    asked,
    body_of,
    call,
    foreign,
    own,
    result,
    say,
)

OPUS_4 = "us.anthropic.claude-opus-4-20250514-v1:0"
LOW = Thinking(effort="low")
BUDGET = Thinking(mode="on", budget=4_000)


def fields_of(thinking: Thinking | None, model: str = SONNET, **more: object) -> Json:
    body = body_of(asked(thinking=thinking, **more), model)
    fields: Json = body.get("additionalModelRequestFields", {})
    return fields


def step(*before: Reasoning) -> tuple[Turn, ...]:
    return (
        say("user", "Go."),
        say("assistant", *before, call("1")),
        say("user", result("1", "Sun")),
    )


def refused(thinking: Thinking, model: str = SONNET, **more: object) -> str:
    with pytest.raises(Unsupported) as raised:
        fields_of(thinking, model, **more)
    return raised.value.field


# Claude with a budget


def test_a_budget_is_sent_as_it_is_and_leaves_room_for_the_answer() -> None:
    body = body_of(asked(thinking=BUDGET))
    assert body["additionalModelRequestFields"] == {
        "thinking": {"type": "enabled", "budget_tokens": 4_000}
    }
    assert body["inferenceConfig"] == {"maxTokens": 12_192}


def test_an_effort_becomes_a_budget() -> None:
    assert fields_of(LOW) == {"thinking": {"type": "enabled", "budget_tokens": 2_048}}


def test_the_most_thinking_stays_within_what_a_model_can_write() -> None:
    body = body_of(asked(thinking=Thinking(effort="max")), OPUS_4)
    assert body["additionalModelRequestFields"]["thinking"]["budget_tokens"] == 31_000
    assert body["inferenceConfig"]["maxTokens"] == 32_000


def test_an_effort_gives_way_to_the_length_that_a_client_chose() -> None:
    fields = fields_of(Thinking(effort="high"), max_tokens=4_096)
    assert fields["thinking"]["budget_tokens"] == 2_048


@pytest.mark.parametrize("max_tokens", [1_024, 5])
def test_an_effort_gives_way_to_a_length_that_leaves_no_room_to_think(max_tokens: int) -> None:
    assert "thinking" not in fields_of(LOW, max_tokens=max_tokens)


@pytest.mark.parametrize("max_tokens", [4_000, 2_000])
def test_a_budget_and_a_length_that_do_not_go_together_are_refused(max_tokens: int) -> None:
    assert refused(BUDGET, max_tokens=max_tokens) == "max_tokens"


def test_a_budget_below_the_least_is_refused() -> None:
    assert refused(Thinking(mode="on", budget=1_023)) == "thinking"


@pytest.mark.parametrize("given", [{"temperature": 0.5}, {"top_k": 5}])
def test_a_claude_that_thinks_samples_as_it_will(given: Json) -> None:
    assert refused(BUDGET, sampling=Sampling(**given)) == next(iter(given))


def test_a_claude_that_thinks_cannot_be_made_to_call_a_tool() -> None:
    required = ToolChoice(mode="required")
    assert refused(BUDGET, tools=(WEATHER,), tool_choice=required) == "tool_choice"


def test_a_call_with_its_own_reasoning_thinks_on() -> None:
    turns = step(Reasoning(text="Hm.", signature=own()))
    body = body_of(asked(*turns, thinking=BUDGET))
    assert "thinking" in body["additionalModelRequestFields"]


@pytest.mark.parametrize("before", [(), (Reasoning(text="Hm.", signature=foreign()),)])
def test_a_call_without_its_own_reasoning_is_gone_on_with_unthinkingly(
    before: tuple[Reasoning, ...],
) -> None:
    body = body_of(asked(*step(*before), thinking=BUDGET))
    assert "additionalModelRequestFields" not in body
    assert "inferenceConfig" not in body


def test_what_is_shown_of_it_can_be_chosen() -> None:
    shown = fields_of(Thinking(mode="on", budget=4_000, summary="auto"))["thinking"]
    hidden = fields_of(Thinking(mode="on", budget=4_000, summary="omitted"))["thinking"]
    assert (shown["display"], hidden["display"]) == ("summarized", "omitted")


# Claude that adapts, or does not think


def test_newer_claudes_adapt_and_are_told_an_effort() -> None:
    body = body_of(asked(thinking=Thinking(effort="xhigh")), NEWEST)
    assert body["additionalModelRequestFields"] == {"thinking": {"type": "adaptive"}}
    assert body["outputConfig"] == {"effort": "xhigh"}


def test_an_effort_and_a_schema_go_together() -> None:
    wanted = Format(kind="json_schema", schema={"type": "object", "properties": {}})
    body = body_of(asked(thinking=LOW, format=wanted), NEWEST)
    assert set(body["outputConfig"]) == {"effort", "textFormat"}


def test_a_budget_is_an_effort_to_newer_claudes() -> None:
    body = body_of(asked(thinking=BUDGET), NEWEST)
    assert body["additionalModelRequestFields"] == {"thinking": {"type": "adaptive"}}
    assert body["outputConfig"] == {"effort": "medium"}


@pytest.mark.parametrize("thinking", [Thinking(mode="off"), Thinking(effort="none")])
def test_thinking_can_be_switched_off(thinking: Thinking) -> None:
    assert fields_of(thinking) == {"thinking": {"type": "disabled"}}


def test_a_claude_that_does_not_think_refuses_to() -> None:
    assert refused(LOW, OLDER) == "thinking"
    assert fields_of(Thinking(mode="off"), OLDER) == {}


# Other families


@pytest.mark.parametrize(
    ("effort", "expected"),
    [("minimal", "low"), ("low", "low"), ("medium", "medium"), ("high", "high"), ("max", "high")],
)
def test_open_models_of_openai_are_told_an_effort(effort: str, expected: str) -> None:
    thinking = Thinking(effort=effort)  # type: ignore[arg-type]  # one of them
    assert fields_of(thinking, GPT) == {"reasoning_effort": expected}


def test_a_budget_is_an_effort_to_them() -> None:
    assert fields_of(Thinking(mode="on", budget=20_000), GPT) == {"reasoning_effort": "high"}
    assert fields_of(Thinking(mode="on"), GPT) == {"reasoning_effort": "medium"}


@pytest.mark.parametrize("model", [LLAMA, NOVA])
def test_other_models_cannot_be_steered(model: str) -> None:
    assert refused(LOW, model) == "thinking"
    assert refused(BUDGET, model) == "thinking"


@pytest.mark.parametrize(
    "thinking",
    [
        None,
        Thinking(mode="off"),
        Thinking(effort="none"),
        Thinking(mode="adaptive", effort="high"),
    ],
)
@pytest.mark.parametrize("model", [LLAMA, OLDER])
def test_no_thinking_needs_no_word_there(thinking: Thinking | None, model: str) -> None:
    assert fields_of(thinking, model) == {}


# Sampling


def test_top_k_is_claudes_own_field() -> None:
    body = body_of(asked(sampling=Sampling(top_k=5)))
    assert body["additionalModelRequestFields"] == {"top_k": 5}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", 1.5),
        ("frequency_penalty", 0.5),
        ("presence_penalty", 0.5),
        ("logit_bias", {"1": 1}),
        ("seed", 7),
    ],
)
@pytest.mark.parametrize("model", [SONNET, LLAMA])
def test_sampling_that_bedrock_lacks_is_refused_by_name(field: str, value: Any, model: str) -> None:
    with pytest.raises(Unsupported) as raised:
        body_of(asked(sampling=Sampling(**{field: value})), model)
    assert raised.value.field == field


def test_no_other_family_takes_top_k() -> None:
    with pytest.raises(Unsupported) as raised:
        body_of(asked(sampling=Sampling(top_k=5)), LLAMA)
    assert raised.value.field == "top_k"


@pytest.mark.parametrize(
    "given", [{"temperature": 0.5}, {"top_p": 0.9}, {"top_k": 5}, {"top_k": 1}]
)
def test_a_claude_that_does_not_sample_refuses_to(given: Json) -> None:
    with pytest.raises(Unsupported) as raised:
        body_of(asked(sampling=Sampling(**given)), NEWEST)
    assert raised.value.field == next(iter(given))


def test_sampling_that_changes_nothing_is_left_out() -> None:
    body = body_of(asked(sampling=Sampling(temperature=1, top_p=1)), NEWEST)
    assert set(body) == {"messages"}


def test_newer_claudes_take_a_temperature_or_a_top_p_and_not_both() -> None:
    with pytest.raises(Unsupported) as raised:
        body_of(asked(sampling=Sampling(temperature=0.5, top_p=0.9)))
    assert raised.value.field == "top_p"
    neutral = body_of(asked(sampling=Sampling(temperature=0.5, top_p=1)))
    assert neutral["inferenceConfig"] == {"temperature": 0.5}
    older = body_of(asked(sampling=Sampling(temperature=0.5, top_p=0.9)), OLDER)
    assert older["inferenceConfig"] == {"temperature": 0.5, "topP": 0.9}
