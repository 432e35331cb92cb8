"""The models that the strict Anthropic has, some of each generation, and what each takes.

Source: the errors of the API as quoted in public issue threads. Kept apart from the router's own
table on purpose, so that one checks the other.
"""

from __future__ import annotations

from dataclasses import dataclass

ALL_EFFORTS = ("low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True)
class Model:
    """A model."""

    id: str
    name: str
    max_tokens: int
    vertex: str
    """Its id at Vertex."""
    budgets: bool = False
    """Takes `thinking.budget_tokens`."""
    adaptive: bool = True
    """Finds out itself how long to think."""
    efforts: tuple[str, ...] = ALL_EFFORTS
    samples: bool = False
    """Takes `temperature` and its like."""
    one_sampler: bool = True
    """Takes `temperature` or `top_p`, not both."""
    prefills: bool = False
    """Continues a text that was begun for it."""
    system_messages: bool = False
    """Takes instructions in the middle."""


MODELS = (
    Model(
        "claude-opus-4-1-20250805",
        "Claude Opus 4.1",
        32_000,
        "claude-opus-4-1@20250805",
        budgets=True,
        adaptive=False,
        efforts=(),
        samples=True,
        one_sampler=False,
        prefills=True,
    ),
    Model(
        "claude-sonnet-4-5-20250929",
        "Claude Sonnet 4.5",
        64_000,
        "claude-sonnet-4-5@20250929",
        budgets=True,
        adaptive=False,
        efforts=(),
        samples=True,
        prefills=True,
    ),
    Model(
        "claude-opus-4-6",
        "Claude Opus 4.6",
        128_000,
        "claude-opus-4-6",
        budgets=True,
        efforts=("low", "medium", "high", "max"),
        samples=True,
    ),
    Model(
        "claude-opus-4-7",
        "Claude Opus 4.7",
        128_000,
        "claude-opus-4-7",
    ),
    Model(
        "claude-sonnet-5",
        "Claude Sonnet 5",
        128_000,
        "claude-sonnet-5",
        system_messages=True,
    ),
)


def model_named(name: str) -> Model | None:
    """A model by its id."""
    return next((model for model in MODELS if model.id == name), None)


def vertex_model_named(name: str) -> Model | None:
    """A model by its id at Vertex."""
    return next((model for model in MODELS if model.vertex == name), None)
