"""What each family at Bedrock takes, by the id of the model, an inference profile or an ARN."""

from __future__ import annotations

from dataclasses import dataclass

from airouter.dialects import claude

RESULTS_ALONE = ("meta.", "mistral.")
TOLERATE_ASSISTANT_FIRST = ("claude", "qwen")
EFFORT_FIELD = ("gpt-oss",)
CACHES = ("claude", "nova", "application-inference-profile")
"""The last hides which family it is; whoever made it knows."""
NO_CACHED_TOOLS = "nova"
FIRST_CLAUDE_THAT_CACHES = (3, 5)


@dataclass(frozen=True)
class Traits:
    """What a model takes."""

    claude: claude.Traits | None
    """For Claude, what Claude takes anywhere."""
    results_alone: bool
    """Whether nothing may stand beside the results of tools."""
    assistant_first: bool
    effort_field: bool
    """Whether it takes `reasoning_effort`, as OpenAI's open models do."""
    caches: bool
    """Whether it takes cache points; where not, the service refuses the whole request."""
    caches_tools: bool


def traits_of(model: str) -> Traits:
    """The traits of a model."""
    name = model.lower()
    as_claude = claude.traits_of(name) if "claude" in name else None
    too_old = as_claude is not None and as_claude.version < FIRST_CLAUDE_THAT_CACHES
    caches = any(word in name for word in CACHES) and not too_old
    return Traits(
        claude=as_claude,
        results_alone=any(word in name for word in RESULTS_ALONE),
        assistant_first=any(word in name for word in TOLERATE_ASSISTANT_FIRST),
        effort_field=any(word in name for word in EFFORT_FIELD),
        caches=caches,
        caches_tools=caches and NO_CACHED_TOOLS not in name,
    )
