"""The outcome of a reconciliation, from which the status is made."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.config.findings import Finding, KeyRefusal


class ReconcileOutcome(NamedTuple):
    """The result of compiling and publishing a RouterConfig."""

    declared: tuple[str, ...]
    """Names of its credentials."""
    usable: frozenset[str] = frozenset()
    """Names of the credentials that can be used."""
    models: tuple[str, ...] = ()
    """Names of its models."""
    answered: frozenset[str] = frozenset()
    """Names of the models that can be answered by what pods serve."""
    findings: tuple[Finding, ...] = ()
    accepted: bool = True
    suspended: frozenset[str] = frozenset()
    """Names of the credentials that its author has taken out of use."""
    gone: tuple[tuple[str, float], ...] = ()
    """Names of Secrets that are gone and whose last value is used, and until when (Unix time)."""
    too_large: str = ""
    """Why it cannot be published, if it is too large."""
    keys: Mapping[str, str] = MappingProxyType({})
    """The SHA-256 of each RouterKey that pods get, by `namespace/name`."""
    refused_keys: Mapping[str, KeyRefusal] = MappingProxyType({})
    """The RouterKeys that were left out, by `namespace/name`."""
    version: str = ""
    unpublished: str = ""
    """Why the API server does not take the snapshot Secret, if it does not."""

    @property
    def errors(self) -> list[Finding]:
        """The findings that took something out of service."""
        return [finding for finding in self.findings if finding.severity == "error"]

    @property
    def unanswered(self) -> list[str]:
        """The models that nobody can answer."""
        return [name for name in self.models if name not in self.answered]

    @property
    def is_publishable(self) -> bool:
        """True if the declared configuration makes a snapshot that fits into a Secret."""
        return self.accepted and not self.too_large
