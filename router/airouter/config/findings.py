"""Findings about a configuration, for people: all of them at once, in a stable order.

A finding names fields, objects and environment variables. It never repeats a value, because any
value may be a key that was pasted into the wrong place.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field, replace
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airouter.config.snapshot import Snapshot

Severity = Literal["error", "warning"]
Reason = Literal[
    "Invalid",
    "SecretNotFound",
    "SecretKeyMissing",
    "InvalidSecretFormat",
    "RefNotPermitted",
    "HostNotAllowed",
    "ServiceNotFound",
    "InferencePoolNotFound",
    "NamespaceNotWatched",
    "NoReadyEndpoints",
    "DuplicateModelName",
    "NoCredentialMatches",
    "UnsupportedValue",
]
"""The kind of a mistake, as a reason of a Kubernetes condition."""

PLAIN_STEP = re.compile(r"[A-Za-z0-9_.-]{1,64}")
LONGEST_STEP = 64


class NamedItem(NamedTuple):
    """A step of a path: the item of a list with this name."""

    name: str


Steps = tuple[str | int, ...]
"""The way from the root of a document to a field: keys, and positions in lists."""
Path = tuple[str | int | NamedItem, ...]
"""Steps in which an item may go by its name, which stays when a list changes."""


class FieldProblem(NamedTuple):
    """A mistake at a place of one document; `line` is 0 where the path leads to it."""

    path: Steps
    what: str
    fix: str = ""
    line: int = 0


@dataclass(frozen=True)
class Finding:
    """A finding: an error takes something out of service, a warning does not."""

    severity: Severity
    path: Path
    what: str
    fix: str = ""
    file: str = ""
    line: int = 0
    """Line from 1; 0 for a finding about a whole file, or without a file."""
    reason: Reason = "Invalid"
    cause: Path = ()
    """The place whose mistake this follows from: none of its own where that is mended."""

    @property
    def field(self) -> str:
        """Return the path as text: `spec.credentials[name=openai-main].weight`."""
        return path_text(self.path)

    @property
    def place(self) -> str:
        """Return `file:line`, as far as known."""
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def headline(self) -> str:
        """Return the place and the severity: all that may be told to whoever asks."""
        return f"{self.place}: {self.severity}" if self.place else self.severity

    def at(self, file: str, line: int) -> Finding:
        """Return this finding, placed in a file."""
        return replace(self, file=file, line=line)

    @property
    def text(self) -> str:
        """Return all of it but the severity."""
        return self._joined(self.place, self.field, self.what)

    def __str__(self) -> str:
        return self._joined(self.place, self.severity, self.field, self.what)

    def _joined(self, *parts: str) -> str:
        text = ": ".join(part for part in parts if part)
        return f"{text} (fix: {self.fix})" if self.fix else text


KeyRefusalReason = Literal["NoGrant", "NoModelGranted", "DuplicateKey", "TooManyKeys"]


class KeyRefusal(NamedTuple):
    """The cause for which a RouterKey is not served, as reason and message of a condition."""

    reason: KeyRefusalReason
    message: str


class Compiled(NamedTuple):
    """The result of compiling; `snapshot` is None when all of the configuration was rejected."""

    snapshot: Snapshot | None
    findings: tuple[Finding, ...]
    usable: frozenset[str] = frozenset()
    """Names of the credentials that can be used, also where all was rejected for another reason."""
    refused_keys: Mapping[str, KeyRefusal] = MappingProxyType({})
    """The RouterKeys that are not served, by `namespace/name`."""

    def count(self, severity: Severity) -> int:
        """Count the errors, or the warnings."""
        return sum(finding.severity == severity for finding in self.findings)


@dataclass
class Report:
    """Collects findings while a configuration is compiled."""

    findings: list[Finding] = field(default_factory=list)
    rejected: bool = False
    """True once an error made the whole configuration unusable."""

    def error(
        self,
        path: Path,
        what: str,
        fix: str = "",
        *,
        rejects: bool = False,
        reason: Reason = "Invalid",
        cause: Path = (),
    ) -> None:
        """Report that something is left out; with `rejects`, everything."""
        self.findings.append(Finding("error", path, what, fix, reason=reason, cause=cause))
        self.rejected |= rejects

    def warning(self, path: Path, what: str, fix: str = "", *, cause: Path = ()) -> None:
        """Report something that its author may not have meant."""
        self.findings.append(Finding("warning", path, what, fix, cause=cause))


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings by file, line and field, each once."""
    return tuple(sorted(set(findings), key=lambda f: (f.file, f.line, f.field, f.what, f.fix)))


def path_text(path: Path) -> str:
    """Return `spec.credentials[name=openai-main].weight`; a key that is no plain word is quoted."""
    text = ""
    for step in path:
        if isinstance(step, NamedItem):
            text += f"[name={step.name}]"
        elif isinstance(step, int):
            text += f"[{step}]"
        elif PLAIN_STEP.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{quoted(step)}]"
    return text


def quoted(name: str) -> str:
    """Quote a user's name, short and without control characters."""
    return repr(name if len(name) <= LONGEST_STEP else f"{name[:LONGEST_STEP]}...")


def choice(names: Iterable[str], most: int = 8) -> str:
    """Offer some names: `use one of: a, b`, the first few of many; empty if there are none."""
    first = list(islice(names, most + 1))
    offered = ", ".join(first[:most])
    return f"use one of: {offered}{', ...' if len(first) > most else ''}" if first else ""


def likely(name: str, known: Iterable[str], alike: float = 0.6) -> str:
    """Offer the known name that resembles another, whatever its case; empty if none does.

    `alike` is how much of both has to be the same, from 0 to 1.
    """
    # Without case: `baseUrl` is a typing error for `baseURL`.
    lowered = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=alike)
    return f"use {lowered[close[0]]}" if close else ""
