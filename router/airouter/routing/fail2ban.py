"""Bans of backends that keep failing. So far nobody is banned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from airouter.routing.catalog import Backend
    from airouter.routing.outcome import AttemptOutcome

T = TypeVar("T")


class Bans(Protocol):
    """The backends that are banned, and what may lead to a ban."""

    def holds(self, backend: Backend[T]) -> bool:
        """Return whether a backend is banned now."""
        ...

    def note(self, backend: Backend[T], outcome: AttemptOutcome) -> None:
        """Take an attempt at a backend into account."""
        ...


class NoBans:
    """Bans nobody."""

    def holds(self, backend: Backend[T]) -> bool:  # noqa: ARG002
        return False

    def note(self, backend: Backend[T], outcome: AttemptOutcome) -> None:
        """Ignore an attempt."""
