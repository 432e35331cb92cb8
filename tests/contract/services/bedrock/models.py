"""The models that the strict Bedrock has, and what each family takes."""

from __future__ import annotations

from contract.services.bedrock.refusals import invalid

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123"
"""An inference profile of the account, for `CLAUDE`."""
MODELS = (
    CLAUDE,
    "us.anthropic.claude-opus-4-7",
    "amazon.nova-pro-v1:0",
    "meta.llama3-3-70b-instruct-v1:0",
    "mistral.mistral-large-2407-v1:0",
    "openai.gpt-oss-120b-1:0",
    PROFILE,
)
STRICT = ("-4-5", "-4-6")
"""Claudes whose tools may be strict here."""
ADAPTIVE = ("opus-4-7",)
"""They think as they see fit, and take no budget and no sampling."""
CACHING = ("claude", "nova", "application-inference-profile")
"""Families with cache points."""


def behind(model: str) -> str:
    """The model itself, where an ARN hides it."""
    return CLAUDE if model == PROFILE else model


def check_model(model: str) -> None:
    """Raises `Refusal`."""
    if f"us.{model}" in MODELS:
        raise invalid(
            f"Invocation of model ID {model} with on-demand throughput isn't supported. Retry your "
            "request with the ID or ARN of an inference profile that contains this model."
        )
    if model not in MODELS:
        raise invalid("The provided model identifier is invalid.")


def check_counting(model: str) -> None:
    """Raises `Refusal` for a model whose tokens Bedrock does not count, and for a profile."""
    if f"us.{model}" in MODELS:
        return
    check_model(model)
    if "claude" in behind(model):
        raise invalid("The provided model identifier is invalid.")
    raise invalid("The provided model doesn't support counting tokens.")
