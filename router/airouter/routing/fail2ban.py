"""Backends that keep failing are left alone for a while. So far nobody is banned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from airouter.routing.catalog import Backend

T = TypeVar("T")


class Bans(Protocol):
    """Who is banned, and what may lead to a ban."""

    def holds(self, backend: Backend[T]) -> bool:
        """Whether a backend is banned now."""
        ...

    def note(self, backend: Backend[T], status: int) -> None:
        """An attempt ended; `status` is 0 when the provider could not be reached."""
        ...


class NoBans:
    """Bans nobody."""

    def holds(self, backend: Backend[T]) -> bool:  # noqa: ARG002
        return False

    def note(self, backend: Backend[T], status: int) -> None:
        """Forget it."""
