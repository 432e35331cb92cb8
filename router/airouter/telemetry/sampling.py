"""Decides which requests are traced.

The samplers of OpenTelemetry's SDK that OTEL_TRACES_SAMPLER can name, as two numbers: a request's
trace is in when the lower 64 bits of its id are below a bound, so that all services of a trace, and
the SDK's own `TraceIdRatioBased`, decide alike.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger("airouter.telemetry")

LOW_64_BITS = 2**64 - 1
ALL = 2**64
NONE = 0

DEFAULT_SAMPLER = "parentbased_always_on"


@dataclass(frozen=True)
class TraceSampler:
    """Decides for each trace."""

    bound: int
    parent_based: bool
    """True when a client's own decision takes precedence."""

    def takes(self, trace_id: int, parent: bool | None) -> bool:
        """Return True for a trace to record; `parent` is the client's decision, or None."""
        if parent is not None and self.parent_based:
            return parent
        # The SDK decides by the same 64 bits, so all services take the same traces.
        return (trace_id & LOW_64_BITS) < self.bound


def by_ratio(ratio: float) -> TraceSampler:
    """Return the SDK's parentbased_traceidratio."""
    return TraceSampler(bound_of(ratio), parent_based=True)


def bound_of(ratio: float) -> int:
    """Return the bound for a share of all traces, from 0 to 1."""
    return round(ratio * ALL)


def sampler_from(environ: Mapping[str, str]) -> TraceSampler:
    """Return the sampler of OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG.

    As the specification wants it, a value that is not understood is logged and means the default.
    """
    name = environ.get("OTEL_TRACES_SAMPLER", "").strip().lower() or DEFAULT_SAMPLER
    root = name.removeprefix("parentbased_")
    bound = {"always_on": ALL, "always_off": NONE, "traceidratio": None}.get(root, -1)
    if bound == -1:
        logger.warning("OTEL_TRACES_SAMPLER=%s is not supported; using %s", name, DEFAULT_SAMPLER)
        return TraceSampler(ALL, parent_based=True)
    if bound is None:
        bound = bound_of(ratio_of(environ.get("OTEL_TRACES_SAMPLER_ARG", "")))
    return TraceSampler(bound, parent_based=root != name)


def ratio_of(text: str) -> float:
    """Return a share from 0 to 1; 1 for an empty or invalid text."""
    if not text.strip():
        return 1.0
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1.0
    if 0.0 <= ratio <= 1.0:
        return ratio
    logger.warning("OTEL_TRACES_SAMPLER_ARG=%s is no number from 0 to 1; using 1", text)
    return 1.0
