"""Thinking of Claude: by a budget of tokens in older generations, by an effort in newer ones.

A model with a budget thinks only where that goes with the rest of the request: with `max_tokens`,
of which a few leave no room for it, with what is sampled, with the tools that must be called, and
with the history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.claude.tool_choice import forces_a_tool
from airouter.dialects.conversation import Reasoning, ToolCall, Unsupported
from airouter.dialects.provenance import is_own

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.claude.models import Traits
    from airouter.dialects.conversation import Conversation, Destination, Json, Thinking, Turn

THINKS = frozenset({"enabled", "adaptive"})
SMALLEST_BUDGET = 1_024
LEAST_TOP_P = 0.95
BUDGETS = {
    "minimal": 1_024,
    "low": 2_048,
    "medium": 8_192,
    "high": 16_384,
    "xhigh": 24_576,
    "max": 31_000,
}
"""Budgets in tokens by effort, all below what every model with a budget can write."""
NEAREST = {"minimal": "low", "xhigh": "high", "max": "high"}
"""The effort that is asked for where a model lacks the one that was."""


def fitted_thinking(
    conversation: Conversation,
    destination: Destination,
    traits: Traits,
    turns: Sequence[Turn],
    *,
    most: int | None,
    answers_by_tool: bool = False,
) -> Json:
    """Return `thinking` and `output_config` that go with the rest of a request.

    `most` is how many tokens the answer may have, None where that depends on the budget.
    Raises `Unsupported`.
    """
    fields = thinking_fields(conversation.thinking, traits)
    thinking = fields.get("thinking", {})
    if thinking.get("type") not in THINKS:
        return fields
    forced = forces_a_tool(conversation)
    if forced and chose_thinking(conversation):
        raise Unsupported("tool_choice", "cannot be made to call a tool while it thinks")
    budgeted = thinking["type"] == "enabled"
    no_room = most is not None and most <= SMALLEST_BUDGET and not chose_budget(conversation)
    unfit = budgeted and (no_room or lacks_reasoning(turns, destination.maker))
    if answers_by_tool or forced or unfit:
        del fields["thinking"]
        return fields
    check_steering(conversation)
    if budgeted:
        fit_budget(thinking, conversation, most)
    return fields


def chose_thinking(conversation: Conversation) -> bool:
    """Return whether the client asked for thoughts, and not for an effort alone."""
    thinking = conversation.thinking
    return thinking is not None and (thinking.mode == "on" or thinking.budget is not None)


def chose_budget(conversation: Conversation) -> bool:
    """Return whether the client chose the budget itself, and not an effort alone."""
    return conversation.thinking is not None and conversation.thinking.budget is not None


def fit_budget(thinking: Json, conversation: Conversation, most: int | None) -> None:
    """Keep a budget below `most`; which of the two gives way depends on who chose it.

    Where the client chose the budget alone, it stays, and the caller raises its `most`.
    Raises `Unsupported` where the client chose both.
    """
    if most is None or thinking["budget_tokens"] < most:
        return
    if not chose_budget(conversation):
        thinking["budget_tokens"] = max(SMALLEST_BUDGET, most // 2)
    elif conversation.max_tokens is not None:
        raise Unsupported("max_tokens", "needs more of them than its budget for thinking")


def check_steering(conversation: Conversation) -> None:
    """Raise `Unsupported` for what a model does not take while it thinks."""
    if conversation.sampling.temperature not in {None, 1}:
        raise Unsupported("temperature", "takes no temperature but 1 while it thinks")
    top_p = conversation.sampling.top_p
    if top_p is not None and top_p < LEAST_TOP_P:
        raise Unsupported("top_p", f"takes no top_p below {LEAST_TOP_P} while it thinks")
    if conversation.sampling.top_k is not None:
        raise Unsupported("top_k", "takes no top_k while it thinks")


def thinking_fields(thinking: Thinking | None, traits: Traits) -> Json:
    """Return `thinking` and `output_config` as a client asked for them. Raises `Unsupported`."""
    if thinking is None:
        return {}
    if thinking.mode == "off" or (thinking.mode is None and thinking.effort == "none"):
        return {"thinking": {"type": "disabled"}} if traits.thinks else {}
    if not traits.thinks and thinking.mode == "adaptive":
        return {}
    if not traits.thinks:
        raise Unsupported("thinking", "does not think")
    fields = by_budget(thinking) if traits.budgets else adaptive(thinking)
    # One generation has both a budget and an effort; there the budget says nothing of the effort.
    if traits.efforts and thinking.effort not in {None, "none"}:
        fields["output_config"] = {"effort": nearest_effort(str(thinking.effort), traits)}
    elif traits.efforts and thinking.budget is not None and not traits.budgets:
        fields["output_config"] = {"effort": effort_by_budget(thinking.budget)}
    return fields


def by_budget(thinking: Thinking) -> Json:
    """Return `thinking` for generations that are told how many tokens to think with."""
    if thinking.mode is None and thinking.effort is None:
        return {}
    effort = "medium" if thinking.effort in {None, "none"} else str(thinking.effort)
    budget = thinking.budget or BUDGETS[effort]
    if budget < SMALLEST_BUDGET:
        raise Unsupported("thinking", f"thinks with at least {SMALLEST_BUDGET} tokens")
    return {"thinking": {"type": "enabled", "budget_tokens": budget} | display(thinking)}


def adaptive(thinking: Thinking) -> Json:
    """Return `thinking` for generations that find out themselves how long to think."""
    return {"thinking": {"type": "adaptive"} | display(thinking)}


def display(thinking: Thinking) -> Json:
    """Return the field that says whether the client is shown what the model thought."""
    if thinking.summary is None:
        return {}
    return {"display": "omitted" if thinking.summary == "omitted" else "summarized"}


def nearest_effort(effort: str, traits: Traits) -> str:
    """Return an effort that a model has: the given one, or the nearest."""
    return effort if effort in traits.efforts else NEAREST.get(effort, "high")


def effort_by_budget(budget: int) -> str:
    """Return the effort that thinks with about so many tokens."""
    return next((name for name in ("low", "medium", "high") if budget <= BUDGETS[name]), "high")


def lacks_reasoning(turns: Sequence[Turn], maker: str) -> bool:
    """Return whether the model's last turn called tools and lacks the model's own thinking.

    A model with a budget demands that thinking back; without, it is asked not to think.
    """
    for turn in reversed(turns):
        if turn.role == "assistant":
            calls = any(isinstance(part, ToolCall) for part in turn.parts)
            first = turn.parts[0]
            kept = isinstance(first, Reasoning) and is_own(first.signature, maker)
            return calls and not kept
    return False
