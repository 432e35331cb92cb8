"""Compiles `spec.models`: backends in the order in which they are tried, and fallbacks."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from airouter.config import snapshot
from airouter.config.compile.backends import Backends
from airouter.config.compile.credentials import compile_limits
from airouter.config.compile.names import ModelNames
from airouter.config.findings import NamedItem

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from airouter.config.compile.backends import RankedBackend
    from airouter.config.compile.prices import PriceBook
    from airouter.config.findings import Report
    from airouter.config.resource import Model, Spec

Tiers = tuple[tuple[snapshot.Backend, ...], ...]


def compile_models(
    spec: Spec,
    usable: Mapping[str, snapshot.Credential],
    dropped: Collection[tuple[str, str]],
    prices: PriceBook,
    report: Report,
) -> tuple[snapshot.Model, ...]:
    """Compile every model. One without a usable backend stays known and answers 503."""
    names = ModelNames(spec.models, dropped, report)
    backends = Backends(spec, usable, dropped, prices, report)
    models = tuple(compile_model(model, names, backends, report) for model in spec.models)
    backends.note_unreached()
    if not models:
        report.warning(("spec", "models"), "is empty: every request gets a 404", "add a model")
    return models


def compile_model(
    declared: Model, names: ModelNames, backends: Backends, report: Report
) -> snapshot.Model:
    """Compile one model."""
    candidates = backends.of(declared)
    parameters, metadata = declared.parameters, declared.metadata
    model = snapshot.Model(
        name=declared.name,
        aliases=names.aliases_of(declared),
        tiers=tiers_of(candidates),
        fallbacks=names.fallbacks_of(declared),
        limits=compile_limits(declared.limits),
        parameters=snapshot.Parameters(
            parameters.defaults, parameters.override, tuple(parameters.drop)
        ),
        metadata=snapshot.ModelMetadata(
            context_window=metadata.context_window,
            max_output_tokens=metadata.max_output_tokens,
            owned_by=metadata.owned_by,
        ),
        compaction=snapshot.Compaction(declared.compaction.instructions),
    )
    note_unanswered(model, candidates, report)
    return model


def tiers_of(candidates: Sequence[RankedBackend]) -> Tiers:
    """Group backends by priority, without drained ones; a tier keeps the declared order."""
    weighty = [candidate for candidate in candidates if candidate.backend.weight > 0]
    ranked = sorted(weighty, key=lambda candidate: candidate.priority)
    return tuple(
        tuple(candidate.backend for candidate in tier)
        for _, tier in groupby(ranked, key=lambda candidate: candidate.priority)
    )


def note_unanswered(
    model: snapshot.Model, candidates: Sequence[RankedBackend], report: Report
) -> None:
    """Report a model without a backend: a warning if its owner drained it, else an error."""
    if model.tiers:
        return
    path = ("spec", "models", NamedItem(model.name), "backends")
    instead = "only its fallbacks will answer" if model.fallbacks else "every request gets a 503"
    if candidates:
        report.warning(path, f"all drained by a weight of 0: {instead}")
    else:
        report.error(path, f"no usable backend: {instead}", cause=path)
