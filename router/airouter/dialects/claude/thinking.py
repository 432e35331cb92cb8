"""How much a Claude shall think: by budget in older generations, by effort in newer ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.conversation import Reasoning, ToolCall, Unsupported
from airouter.dialects.provenance import is_own

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.claude.models import Traits
    from airouter.dialects.conversation import Conversation, Json, Thinking, Turn

SMALLEST_BUDGET = 1_024
BUDGETS = {
    "minimal": 1_024,
    "low": 2_048,
    "medium": 8_192,
    "high": 16_384,
    "xhigh": 24_576,
    "max": 31_000,
}
"""Effort to tokens."""
NEAREST = {"minimal": "low", "xhigh": "high", "max": "high"}
"""What an effort becomes where a model lacks it."""


def thinking_of(thinking: Thinking | None, traits: Traits) -> Json:
    """The fields `thinking` and `output_config` for a request. Raises `Unsupported`."""
    if thinking is None:
        return {}
    if thinking.mode == "off" or (thinking.mode is None and thinking.effort == "none"):
        return {"thinking": {"type": "disabled"}} if traits.thinks else {}
    if not traits.thinks and thinking.mode == "adaptive":
        return {}
    if not traits.thinks:
        raise Unsupported("thinking", "does not think")
    fields = by_budget(thinking) if traits.budgets else adaptive(thinking)
    if traits.efforts and thinking.effort not in {None, "none"}:
        fields["output_config"] = {"effort": effort_of(str(thinking.effort), traits)}
    elif traits.efforts and thinking.budget is not None and not traits.budgets:
        fields["output_config"] = {"effort": effort_by_budget(thinking.budget)}
    return fields


def by_budget(thinking: Thinking) -> Json:
    """For generations that are told how many tokens to think with."""
    if thinking.mode is None and thinking.effort is None:
        return {}
    effort = "medium" if thinking.effort in {None, "none"} else str(thinking.effort)
    budget = thinking.budget or BUDGETS[effort]
    if budget < SMALLEST_BUDGET:
        raise Unsupported("thinking", f"thinks with at least {SMALLEST_BUDGET} tokens")
    return {"thinking": {"type": "enabled", "budget_tokens": budget} | display(thinking)}


def adaptive(thinking: Thinking) -> Json:
    """For generations that find out themselves how long to think."""
    return {"thinking": {"type": "adaptive"} | display(thinking)}


def display(thinking: Thinking) -> Json:
    """What is shown of it."""
    if thinking.summary is None:
        return {}
    return {"display": "omitted" if thinking.summary == "omitted" else "summarized"}


def effort_of(effort: str, traits: Traits) -> str:
    """The effort, or the one that comes nearest."""
    return effort if effort in traits.efforts else NEAREST.get(effort, "high")


def effort_by_budget(budget: int) -> str:
    """The effort that thinks with about so many tokens."""
    return next((name for name in ("low", "medium", "high") if budget <= BUDGETS[name]), "high")


def lacks_reasoning(turns: Sequence[Turn], maker: str) -> bool:
    """Whether the last turn of the model called tools and its own thinking is not with it.

    A model with a budget demands it back; without, it is asked not to think.
    """
    for turn in reversed(turns):
        if turn.role == "assistant":
            calls = any(isinstance(part, ToolCall) for part in turn.parts)
            first = turn.parts[0]
            kept = isinstance(first, Reasoning) and is_own(first.signature, maker)
            return calls and not kept
    return False


def forces_a_tool(conversation: Conversation) -> bool:
    """Whether a tool must be called, which no model does while it thinks."""
    choice = conversation.tool_choice
    return choice is not None and choice.mode == "required"
