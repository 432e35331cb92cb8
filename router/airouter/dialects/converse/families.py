"""Settings that depend on the family of a model: Claude's rules, OpenAI's open models, the rest.

Converse has fields of its own for what every family takes; what only one takes stands in
`additionalModelRequestFields`, in the words of that family's maker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.claude.sampling import (
    check_sampling,
    check_temperature,
    given_sampling,
    taken_sampling,
)
from airouter.dialects.claude.thinking import BUDGETS, effort_by_budget, fitted_thinking
from airouter.dialects.claude.tool_choice import choice_in_anthropics_words
from airouter.dialects.conversation import Unsupported

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.conversation import (
        Conversation,
        Destination,
        Json,
        Sampling,
        Thinking,
        Turn,
    )
    from airouter.dialects.converse.models import Traits

LEAST_OPEN_EFFORT = "low"
OPEN_EFFORTS = {"minimal": "low", "xhigh": "high", "max": "high"}
"""Efforts that OpenAI's open models lack, and the nearest that they have."""


def takes_schemas(traits: Traits) -> bool:
    """Return whether an answer can be held to a schema.

    Of other families than Claude only the service itself knows, and refuses what cannot be.
    """
    return traits.claude is None or traits.claude.schemas


def family_sampling(sampling: Sampling, traits: Traits) -> dict[str, float]:
    """Return the settings that a model takes, by our names. Raises `Unsupported`."""
    check_sampling(sampling)
    if traits.claude is not None:
        return taken_sampling(sampling, traits.claude)
    given = given_sampling(sampling)
    if "top_k" in given:
        raise Unsupported("top_k", "cannot sample from the k likeliest tokens")
    check_temperature(given)
    return given


def family_fields(
    conversation: Conversation,
    destination: Destination,
    traits: Traits,
    turns: Sequence[Turn],
    sampling: dict[str, float],
) -> Json:
    """Return the fields that a family takes beside Converse's own. Raises `Unsupported`."""
    if traits.claude is None:
        return open_effort(conversation.thinking, traits)
    fields: Json = {}
    if conversation.thinking is not None:
        fields = fitted_thinking(
            conversation, destination, traits.claude, turns, most=conversation.max_tokens
        )
    if "top_k" in sampling:
        fields["top_k"] = sampling["top_k"]
    if conversation.parallel_tool_calls is False and may_call(conversation):
        # In place of `toolChoice`, which has no word for it: the service refuses both together.
        fields["tool_choice"] = choice_in_anthropics_words(conversation)
    return fields


def may_call(conversation: Conversation) -> bool:
    """Return whether there are tools, and they are not forbidden."""
    choice = conversation.tool_choice
    return bool(conversation.tools) and (choice is None or choice.mode != "none")


def open_effort(thinking: Thinking | None, traits: Traits) -> Json:
    """Return the effort of a model that is not Claude. Raises `Unsupported`."""
    if thinking is None:
        return {}
    if thinking.mode == "off" or thinking.effort == "none":
        return {"reasoning_effort": LEAST_OPEN_EFFORT} if traits.effort_field else {}
    if not traits.effort_field and thinking.mode == "adaptive":
        return {}
    if not traits.effort_field:
        raise Unsupported("thinking", "does not let its reasoning be steered")
    effort = thinking.effort or effort_by_budget(thinking.budget or BUDGETS["medium"])
    return {"reasoning_effort": OPEN_EFFORTS.get(effort, effort)}
