"""How Bedrock says no."""

from __future__ import annotations

from contract.services.stand_in import Refusal


def refusal(status: int, name: str, message: str, **headers: str) -> Refusal:
    """Bedrock's error envelope: the class stands in a header."""
    kind = {"x-amzn-errortype": f"{name}:http://internal.amazon.com/coral/com.amazon.bedrock/"}
    return Refusal(status, {"message": message}, kind | headers)


def invalid(message: str) -> Refusal:
    return refusal(400, "ValidationException", message)
