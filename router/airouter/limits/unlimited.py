"""The shape of a limiter, and the one that lets everything through."""

from __future__ import annotations

from typing import Protocol


class Permit(Protocol):
    """What was reserved for one request."""

    def settle(self, tokens: int) -> None:
        """Give back what was not used; called once, whatever became of the request."""
        ...


class Limiter(Protocol):
    """Admits requests. Raises `Failure` 429 for one too many."""

    def reserve(self, principal: str, model: str) -> Permit: ...


class Unlimited:
    """Admits all; its own permit, as there is nothing to remember."""

    def reserve(self, principal: str, model: str) -> Permit:  # noqa: ARG002
        return self

    def settle(self, tokens: int) -> None:
        """Nothing was reserved."""
