"""How the real Anthropic says no. The texts are those that people quote in public issue threads.

On Vertex what Google itself refuses looks like Google; what Claude refuses looks like Anthropic.
"""

from __future__ import annotations

from typing import Any

Body = dict[str, Any]

REQUEST_ID = "req_upstream1"
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""The type that goes with a status."""
GOOGLE = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


class Refusal(Exception):
    """An error answer, before anything was generated."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str | None = None,  # noqa: A002  # Anthropic's own word
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type or TYPES[status]
        self.headers = headers or {}

    @property
    def body(self) -> Body:
        """Anthropic's error envelope."""
        error = {"type": self.type, "message": self.message}
        return {"type": "error", "error": error, "request_id": REQUEST_ID}


class GoogleRefusal(Refusal):
    """An error answer of Vertex itself."""

    @property
    def body(self) -> Body:
        """Google's error envelope."""
        status = GOOGLE[self.status]
        return {"error": {"code": self.status, "message": self.message, "status": status}}


def invalid(message: str) -> Refusal:
    """What most rules end in."""
    return Refusal(400, message)


def missing_key() -> Refusal:
    return Refusal(401, "x-api-key header is required")


def wrong_key(header: str) -> Refusal:
    return Refusal(401, "invalid x-api-key" if header == "x-api-key" else "Invalid bearer token")


def missing_version() -> Refusal:
    return invalid("anthropic-version: header is required")


def unknown_version(version: str) -> Refusal:
    return invalid(f'anthropic-version: "{version}" is not a valid version')


def unknown_beta(names: str) -> Refusal:
    return invalid(
        f"Unexpected value(s) `{names}` for the `anthropic-beta` header. Please consult our"
        " documentation at docs.claude.com or try again without the header."
    )


def reserved(word: str) -> Refusal:
    return invalid(f"{word} is a reserved keyword and may not be used in the system prompt.")


def not_json() -> Refusal:
    return invalid("The request body is not valid JSON")


def unknown_url() -> Refusal:
    return Refusal(404, "Not Found")


def model_not_found(model: str) -> Refusal:
    return Refusal(404, f"model: {model}")


def too_large() -> Refusal:
    return Refusal(413, "Request exceeds the maximum size")


def wrong_token() -> Refusal:
    """Vertex wants a token of Google."""
    return GoogleRefusal(
        401,
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login"
        " cookie or other valid authentication credential.",
    )


def publisher_model_not_found(name: str) -> Refusal:
    return GoogleRefusal(
        404,
        f"Publisher Model `{name}` was not found or your project does not have access to it. Please"
        " ensure you are using a valid model version.",
    )


def rate_limited(seconds: float | None = None) -> Refusal:
    """One request per minute too many; without `seconds` nobody says when to come back."""
    return Refusal(
        429,
        "This request would exceed your organization's rate limit of 50 requests per minute.",
        headers={} if seconds is None else {"retry-after": f"{seconds:g}"},
    )


def overloaded() -> Refusal:
    return Refusal(529, "Overloaded")


def server_error() -> Refusal:
    return Refusal(500, "Internal server error")


def spend_limit_reached() -> Refusal:
    """A 400 that is none of the request's fault, and that no waiting mends."""
    return invalid(
        "You have reached your specified API usage limits. You will regain access on 2026-12-01 at"
        " 00:00 UTC."
    )
