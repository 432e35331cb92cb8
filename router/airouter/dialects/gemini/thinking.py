"""Thinking of Gemini: a budget of tokens until 2.5, a level from 3 on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.conversation import Unsupported

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json, Thinking
    from airouter.dialects.gemini.models import Traits

BUDGETS = {
    "minimal": 1_024,
    "low": 2_048,
    "medium": 8_192,
    "high": 16_384,
    "xhigh": 24_576,
    "max": 24_576,
}
"""Budgets in tokens by effort, all within what every model of 2.5 takes."""
LEVELS = {
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "HIGH",
    "max": "HIGH",
}
HIGHER = {"MINIMAL": "LOW", "MEDIUM": "HIGH"}
"""The level that stands for one that a model lacks."""
LARGEST_BUDGET = 24_576
DYNAMIC = -1


def thinking_config(thinking: Thinking | None, traits: Traits) -> Json | None:
    """Return `thinkingConfig` for a request. Raises `Unsupported`."""
    if thinking is None:
        return None
    off = thinking.mode == "off" or (thinking.mode is None and thinking.effort == "none")
    if traits.thinking == "none":
        if off or thinking.mode == "adaptive":
            return None
        raise Unsupported("thinking", "does not think")
    if off:
        return without_thinking(traits)
    shown = {} if thinking.summary == "omitted" else {"includeThoughts": True}
    if traits.thinking == "budget":
        return {"thinkingBudget": budget_of(thinking, traits), **shown}
    level = level_of(thinking, traits)
    return ({"thinkingLevel": level} if level else {}) | shown


def without_thinking(traits: Traits) -> Json:
    """Return the least thinking there can be: some models must think."""
    if traits.thinking == "level":
        return {"thinkingLevel": traits.levels[0]}
    return {"thinkingBudget": 0 if traits.can_stop_thinking else traits.least_budget}


def budget_of(thinking: Thinking, traits: Traits) -> int:
    """Return the tokens to think with; -1 leaves it to the model."""
    budget = thinking.budget
    if budget is not None:
        return min(max(budget, traits.least_budget) if budget > 0 else budget, LARGEST_BUDGET)
    return BUDGETS.get(thinking.effort or "", DYNAMIC)


def level_of(thinking: Thinking, traits: Traits) -> str | None:
    """Return the level that comes nearest; None leaves it to the model."""
    effort: str | None = thinking.effort
    if effort is None and thinking.budget is not None:
        budget = thinking.budget
        effort = next((name for name in ("low", "medium") if budget <= BUDGETS[name]), "high")
    level = LEVELS.get(effort or "")
    return level if level in traits.levels else HIGHER.get(level or "")
