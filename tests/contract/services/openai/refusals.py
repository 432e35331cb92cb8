"""How the real OpenAI says no. The texts are those that people quote in public issue threads."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """An error answer, before anything was generated."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",  # noqa: A002  # OpenAI's own word
        param: str | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type
        self.param = param
        self.code = code
        self.headers = headers or {}

    @property
    def body(self) -> dict[str, Any]:
        """OpenAI's error envelope."""
        error = {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code,
        }
        return {"error": error}


def missing_key() -> Refusal:
    return Refusal(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization header"
        " using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
    )


def wrong_key(key: str) -> Refusal:
    hidden = f"{key[:8]}{'*' * 8}{key[-4:]}"
    return Refusal(401, f"Incorrect API key provided: {hidden}.", code="invalid_api_key")


def unknown_url(method: str, path: str) -> Refusal:
    return Refusal(404, f"Invalid URL ({method} {path})")


def model_not_found(model: str) -> Refusal:
    return Refusal(
        404,
        f"The model `{model}` does not exist or you do not have access to it.",
        code="model_not_found",
    )


def not_a_chat_model() -> Refusal:
    return Refusal(
        404,
        "This is not a chat model and thus not supported in the v1/chat/completions endpoint."
        " Did you mean to use v1/completions?",
        param="model",
    )


def missing(name: str) -> Refusal:
    if name == "model":
        return Refusal(400, "you must provide a model parameter")
    return Refusal(
        400,
        f"Missing required parameter: '{name}'.",
        param=name,
        code="missing_required_parameter",
    )


def unrecognized(name: str) -> Refusal:
    return Refusal(400, f"Unrecognized request argument supplied: {name}")


def rate_limited(model: str, seconds: float) -> Refusal:
    """One request per minute too many."""
    return Refusal(
        429,
        f"Rate limit reached for {model} in organization org-test on requests per min (RPM): Limit"
        f" 3, Used 3, Requested 1. Please try again in {seconds:g}s. Visit"
        " https://platform.openai.com/account/rate-limits to learn more.",
        type="requests",
        code="rate_limit_exceeded",
        headers={
            "retry-after": f"{seconds:g}",
            "retry-after-ms": f"{seconds * 1000:g}",
            "x-ratelimit-limit-requests": "3",
            "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-requests": f"{seconds:g}s",
        },
    )


def quota_used_up() -> Refusal:
    """A 429 that no waiting mends."""
    return Refusal(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        type="insufficient_quota",
        code="insufficient_quota",
    )


def server_error() -> Refusal:
    return Refusal(
        500,
        "The server had an error while processing your request. Sorry about that!",
        type="server_error",
    )
