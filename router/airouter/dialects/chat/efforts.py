"""Efforts of OpenAI's models: each generation has other words for how much it shall reason.

Sources: `reasoning_effort` in OpenAI's API reference, its pages of the models, and the errors that
name the supported values. A model that is not known is told what was asked for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airouter.dialects.conversation import Unsupported

if TYPE_CHECKING:
    from airouter.dialects.conversation import Thinking

ORDER = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
USUAL = ("low", "medium", "high")
REASONERS = (
    (re.compile(r"(^|/)gpt-5\.\d+-chat"), ("medium",)),
    (re.compile(r"(^|/)gpt-5-pro"), ("high",)),
    (re.compile(r"(^|/)gpt-5\.\d+-pro"), ("medium", "high", "xhigh")),
    (re.compile(r"(^|/)gpt-5\.1-codex-max"), ("none", *USUAL, "xhigh")),
    (re.compile(r"(^|/)gpt-5\.([2-9]|\d\d)-codex"), (*USUAL, "xhigh")),
    (re.compile(r"(^|/)(o\d|gpt-oss|gpt-5(\.1)?-codex)"), USUAL),
    (re.compile(r"(^|/)gpt-5(?![.\d]|-chat)"), ("minimal", *USUAL)),
    (re.compile(r"(^|/)gpt-5\.1(?!\d)"), ("none", *USUAL)),
    (re.compile(r"(^|/)gpt-[5-9](?!.*-chat)"), ("none", *USUAL, "xhigh")),
)
"""The models that reason, and the efforts that each knows; the first that fits counts."""
NEVER_REASONS = re.compile(r"(^|/)(gpt-(3|4)|chatgpt|gpt-5-chat)")
BUDGETS = ((2_048, "low"), (16_384, "medium"))
"""Tokens of a budget, and the effort that spends about so many."""


def efforts_of(model: str) -> tuple[str, ...]:
    """Return the efforts that a model knows; none where it does not reason, or is not known."""
    return next((known for name, known in REASONERS if name.search(model)), ())


def effort_of(thinking: Thinking | None, model: str) -> str | None:
    """Return the effort nearest to the reasoning that is asked for. Raises `Unsupported`."""
    if thinking is None:
        return None
    effort: str | None = thinking.effort
    if thinking.mode == "off" and efforts_of(model):
        effort = "none"
    if effort is None and thinking.budget is not None:
        effort = next((name for most, name in BUDGETS if thinking.budget <= most), "high")
    if not NEVER_REASONS.search(model):
        return None if effort is None else nearest(effort, model)
    if thinking.mode != "adaptive" and (thinking.mode == "on" or effort not in {None, "none"}):
        raise Unsupported("thinking", "does not reason")
    return None


def nearest(effort: str, model: str) -> str:
    """Return the effort that a model knows which is nearest to one; of two as near, the greater."""
    known = efforts_of(model)
    if not known:
        return "xhigh" if effort == "max" else effort
    at = ORDER.index(effort)
    return min(reversed(known), key=lambda each: abs(ORDER.index(each) - at))
