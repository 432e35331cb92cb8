"""How Anthropic says no."""

from __future__ import annotations

from contract.services.stand_in import Refusal


def refusal(status: int, kind: str, message: str, **headers: str) -> Refusal:
    """Anthropic's error envelope."""
    error = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
    return Refusal(
        status, error, {name.replace("_", "-"): value for name, value in headers.items()}
    )


def invalid(message: str) -> Refusal:
    return refusal(400, "invalid_request_error", message)


def wrong_key() -> Refusal:
    return refusal(401, "authentication_error", "invalid x-api-key")


def unknown_model(name: str) -> Refusal:
    return refusal(404, "not_found_error", f"model: {name}")


def overloaded() -> Refusal:
    return refusal(529, "overloaded_error", "Overloaded")
