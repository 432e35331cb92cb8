"""Families of models at Bedrock and what each takes.

The name of a model is its id, an inference profile or an ARN.
"""

from __future__ import annotations

from dataclasses import dataclass

from airouter.dialects import claude

RESULTS_ALONE = ("meta.", "mistral.")
TOLERATE_ASSISTANT_FIRST = ("claude", "qwen")
EFFORT_FIELD = ("gpt-oss",)
CACHES = ("claude", "nova", "application-inference-profile")
"""Names of families that cache. A profile of an application hides its family: its owner decides."""
IMAGE_RESULTS = ("claude", "nova", "application-inference-profile", *RESULTS_ALONE)
"""Names of families that see images in the results of tools, or nothing beside these."""
NO_CACHED_TOOLS = "nova"
PREFILLS = "nova"
"""The family beside Claude whose documentation has a prefill; others refuse it, or begin anew."""
FIRST_CLAUDE_THAT_CACHES = (3, 5)
STRICT_CLAUDES = frozenset({(4, 5), (4, 6)})
"""Later ones refuse the very field here, though not at Anthropic."""


@dataclass(frozen=True)
class Traits:
    """The features of a model."""

    claude: claude.Traits | None
    """Claude's own traits, for a Claude."""
    results_alone: bool
    """Nothing may stand beside the results of tools."""
    assistant_first: bool
    effort_field: bool
    """`reasoning_effort` is taken, as OpenAI's open models do."""
    strict_tools: bool
    """A call can be held to its schema."""
    caches: bool
    """Cache points are taken; where not, the service refuses the whole request."""
    caches_tools: bool
    image_results: bool
    """The result of a tool may have images."""
    prefills: bool
    """It goes on with a turn of its own that stands last."""


def traits_of(model: str) -> Traits:
    """Return the traits of a model."""
    name = model.lower()
    as_claude = claude.traits_of(name) if "claude" in name else None
    too_old = as_claude is not None and as_claude.version < FIRST_CLAUDE_THAT_CACHES
    caches = any(word in name for word in CACHES) and not too_old
    return Traits(
        claude=as_claude,
        results_alone=any(word in name for word in RESULTS_ALONE),
        assistant_first=any(word in name for word in TOLERATE_ASSISTANT_FIRST),
        effort_field=any(word in name for word in EFFORT_FIELD),
        strict_tools=as_claude is not None and as_claude.version in STRICT_CLAUDES,
        caches=caches,
        caches_tools=caches and NO_CACHED_TOOLS not in name,
        image_results=any(word in name for word in IMAGE_RESULTS),
        prefills=PREFILLS in name if as_claude is None else as_claude.prefills,
    )


def counts_tokens(model: str) -> bool:
    """Return whether CountTokens knows a model: it knows those Claudes alone that cache."""
    traits = traits_of(model)
    return traits.claude is not None and traits.caches
