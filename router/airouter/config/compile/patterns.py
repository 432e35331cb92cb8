"""Finds patterns of model names that no model has: of clients, their limits, and grants.

Such a pattern takes nothing out of service, but its author meant something by it.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from airouter.config.findings import NamedItem, choice, likely

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from airouter.config.findings import Path, Report
    from airouter.config.resource import Spec

WILDCARDS = frozenset("*?[")
MOST_MATCHED = 256
"""Different patterns with wildcards that are looked into: each is compared with every model."""


def note_unmatched(spec: Spec, dropped: Collection[tuple[str, str]], report: Report) -> None:
    """Warn of each pattern that matches no model; one that was dropped counts as a model."""
    names = {model.name for model in spec.models}
    names |= {name for kind, name in dropped if kind == "model"}
    matched: dict[str, bool] = {}
    for path, pattern in patterns_of(spec) if names else ():
        if pattern in names or pattern == "*":
            continue
        if not WILDCARDS & set(pattern):
            fix = likely(pattern, names) or choice(sorted(names))
            report.warning(path, f"{pattern} is the name of no model", fix)
            continue
        if pattern not in matched and len(matched) < MOST_MATCHED:
            matched[pattern] = any(fnmatchcase(name, pattern) for name in names)
        if not matched.get(pattern, True):
            report.warning(path, f"{pattern} matches no model", choice(sorted(names)))


def patterns_of(spec: Spec) -> Iterator[tuple[Path, str]]:
    """Yield the patterns of clients, of their limits and of grants, and where they stand."""
    for client in spec.auth.clients:
        path: Path = ("spec", "auth", "clients", NamedItem(client.name))
        for at, pattern in enumerate(client.models):
            yield (*path, "models", at), pattern
        for at, limits in enumerate(client.model_limits):
            yield (*path, "modelLimits", at, "models"), limits.models
    for grant in spec.auth.grants:
        path = ("spec", "auth", "grants", NamedItem(grant.name))
        for at, pattern in enumerate(grant.models):
            yield (*path, "models", at), pattern
