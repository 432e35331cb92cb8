"""What Claude refuses: Bedrock hands `additionalModelRequestFields` on to it unread."""

from __future__ import annotations

from contract.services.bedrock.models import ADAPTIVE
from contract.services.bedrock.refusals import invalid_to_model, malformed
from contract.services.stand_in import Body

LEAST_TOP_P = 0.95
LEAST_BUDGET = 1_024
MOST_TOKENS = 64_000
"""What a model may say where nothing limits it."""
KINDS = ("enabled", "disabled", "adaptive")


def thinking_of(body: Body) -> Body | None:
    """What is asked for; None for nothing."""
    found: Body | None = (body.get("additionalModelRequestFields") or {}).get("thinking")
    return found


def is_adaptive(model: str) -> bool:
    return any(name in model for name in ADAPTIVE)


def thinks(body: Body) -> bool:
    return (thinking_of(body) or {}).get("type") in {"enabled", "adaptive"}


def sampling_fits(body: Body, model: str) -> None:
    config = body.get("inferenceConfig") or {}
    extra = body.get("additionalModelRequestFields") or {}
    if not is_adaptive(model):
        return
    for given, name in ((config, "temperature"), (config, "topP"), (extra, "top_k")):
        if name in given:
            told = "top_p" if name == "topP" else name
            raise invalid_to_model(f"`{told}` is deprecated for this model.")


def thinking_is_known(body: Body, model: str) -> None:
    thinking = thinking_of(body)
    if thinking is None:
        return
    if "claude" not in model:
        raise malformed("#: extraneous key [thinking] is not permitted")
    kind = thinking.get("type")
    if kind not in KINDS:
        raise invalid_to_model(f"thinking: Input tag '{kind}' does not match any of {KINDS}")
    if kind == "enabled" and is_adaptive(model):
        raise invalid_to_model(
            '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" '
            'and "output_config.effort" to control thinking behavior.'
        )
    if kind == "adaptive" and not is_adaptive(model):
        raise invalid_to_model("adaptive thinking is not supported on this model")


def thinking_has_a_budget(body: Body, model: str) -> None:
    thinking = thinking_of(body) or {}
    if thinking.get("type") != "enabled":
        return
    budget = thinking.get("budget_tokens")
    if budget is None:
        raise invalid_to_model("thinking.enabled.budget_tokens: Field required")
    if budget < LEAST_BUDGET:
        raise invalid_to_model(
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
        )
    if budget >= (body.get("inferenceConfig") or {}).get("maxTokens", MOST_TOKENS):
        raise invalid_to_model("`max_tokens` must be greater than `thinking.budget_tokens`.")


def thinking_is_not_steered(body: Body, model: str) -> None:
    """Neither by a forced tool nor by how its tokens are drawn."""
    if not thinks(body):
        return
    choice = (body.get("toolConfig") or {}).get("toolChoice") or {}
    if {"any", "tool"} & set(choice):
        raise invalid_to_model("Thinking may not be enabled when tool_choice forces tool use.")
    if (body.get("inferenceConfig") or {}).get("temperature", 1) != 1:
        raise invalid_to_model("`temperature` may only be set to 1 when thinking is enabled.")
    if (body.get("inferenceConfig") or {}).get("topP", 1) < LEAST_TOP_P:
        raise invalid_to_model("`top_p` must be greater than or equal to 0.95 or unset.")


def calls_begin_with_thinking(body: Body, model: str) -> None:
    """The turn whose calls are being answered, when a budget is given to think."""
    thinking = thinking_of(body) or {}
    messages = body["messages"]
    if thinking.get("type") != "enabled" or len(messages) < 2:
        return
    if not any("toolResult" in block for block in messages[-1]["content"]):
        return
    first = next(iter(messages[-2]["content"][0]))
    if first != "reasoningContent":
        found = {"toolUse": "tool_use"}.get(first, first)
        raise invalid_to_model(
            f"messages.{len(messages) - 2}.content.0.type: Expected `thinking` or "
            f"`redacted_thinking`, but found `{found}`. When `thinking` is enabled, a final "
            "`assistant` message must start with a thinking block."
        )


RULES = (
    sampling_fits,
    thinking_is_known,
    thinking_has_a_budget,
    thinking_is_not_steered,
    calls_begin_with_thinking,
)
