"""How Google says no."""

from __future__ import annotations

from typing import Any

from contract.services.stand_in import Refusal


def refusal(status: int, word: str, message: str, details: list[Any] | None = None) -> Refusal:
    """Google's error envelope."""
    error: dict[str, Any] = {"code": status, "message": message, "status": word}
    if details:
        error["details"] = details
    return Refusal(status, {"error": error})


def invalid(message: str) -> Refusal:
    return refusal(400, "INVALID_ARGUMENT", message)


def exhausted(delay: str | None = None) -> Refusal:
    details: list[Any] = []
    if delay:
        kind = "type.googleapis.com/google.rpc.RetryInfo"
        details.append({"@type": kind, "retryDelay": delay})
    return refusal(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", details)
