"""The interface of a limiter, and the limiter without limits."""

from __future__ import annotations

from typing import Protocol


class Permit(Protocol):
    """The reservation of one request."""

    def settle(self, tokens: int) -> None:
        """Give back the unused rest; called once, however the request ended."""
        ...


class Limiter(Protocol):
    """Admits requests. Raises `Failure` 429 for one too many."""

    def reserve(self, principal: str, model: str) -> Permit: ...


class Unlimited:
    """Admits all requests, and is its own permit, because there is nothing to remember."""

    def reserve(self, principal: str, model: str) -> Permit:  # noqa: ARG002
        return self

    def settle(self, tokens: int) -> None:
        """Do nothing: there is no reservation."""
