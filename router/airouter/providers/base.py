"""What every provider is asked: where it is, how it is spoken to, what its errors say.

A provider that speaks OpenAI's API is a row in `registry.py`. One that does not is a subclass in a
file of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.failures import Failure
from airouter.providers.headers import retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.config.snapshot import Credential
    from airouter.providers.binding import Api, Binding

IDENTIFIERS = re.compile(
    r"\b(?:sk|org|proj|key|user|acct)[-_][\w*.\-]{6,}|\barn:aws[\w-]*:\S+|\bAIza[\w-]{10,}|\bAKIA\w{8,}"
    r"|\bprojects/[\w:.\-]+"
)
"""What providers quote of an account in their errors: keys, organizations, projects."""
TOO_LONG = re.compile(
    r"maximum context length|context (?:length|window|size)\b.*(?:exceed|too)"
    r"|exceeds? the (?:available|model'?s) context",
    re.IGNORECASE,
)
"""How servers of open models say that a prompt is too long; clients know it by OpenAI's code."""
MESSAGE_LIMIT = 2_000
AUTHENTICATION_FAILED = "upstream_authentication_failed"


@dataclass(frozen=True)
class Provider:
    """A kind of provider. Stateless: what differs between accounts is in the credential."""

    type: str

    def base_url(self, credential: Credential) -> str | None:
        """Where it is when the credential does not say; None where there is no such place."""
        raise NotImplementedError

    def bind(self, api: Api, credential: Credential, model: str) -> Binding | None:
        """How it is asked for a model; None for an API that it does not have."""
        raise NotImplementedError

    def authorization(self, credential: Credential) -> list[tuple[str, str]]:
        """The header lines that prove who we are, where they are the same for every request."""
        if credential.secret is None:
            return []
        return [("authorization", f"Bearer {credential.secret}")]

    def failure(
        self, status: int, headers: Mapping[bytes, bytes], body: bytes, credential: Credential
    ) -> Failure:
        """A provider's error, in OpenAI's terms and without anything of the credential."""
        failure = self.read_failure(status, headers, body)
        if failure.status in {401, 403, 407}:
            return Failure(
                502,
                "The upstream refused the router's own credential.",
                type="server_error",
                code=AUTHENTICATION_FAILED,
            )
        if failure.retry_after is None:
            failure.retry_after = retry_after(status, headers)
        failure.message = without_identifiers(failure.message, credential)[:MESSAGE_LIMIT]
        return failure

    def read_failure(
        self,
        status: int,
        headers: Mapping[bytes, bytes],  # noqa: ARG002  # where others say what is wrong
        body: bytes,
    ) -> Failure:
        """What an error says, as OpenAI and those who imitate it write it."""
        error = error_object(body)
        message = error.get("message")
        if not isinstance(message, str) or not message:
            message = f"The upstream answered with status {status}."
        type_, code, param = (error.get(name) for name in ("type", "code", "param"))
        if status == 400 and TOO_LONG.search(message):
            code = "context_length_exceeded"
        return Failure(
            status if 400 <= status < 600 else 502,
            message,
            type=type_ if isinstance(type_, str) else default_type(status),
            code=None if code is None else str(code),
            param=param if isinstance(param, str) else None,
        )


def error_object(body: bytes) -> dict[str, Any]:
    """The error in a body, in any of the shapes that OpenAI-compatible servers use.

    `{"error": {"message"}}` (OpenAI), `{"error": "text"}`, `{"message"}` (vLLM before 0.10,
    Mistral) and `{"detail"}` (FastAPI), the last also as a message (Mistral).
    """
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    if isinstance(decoded, list) and decoded:
        decoded = decoded[0]
    if not isinstance(decoded, dict):
        return {}
    error = decoded.get("error", decoded)
    if isinstance(error, str):
        return {"message": error}
    if not isinstance(error, dict):
        return {}
    message = error.get("message", error)
    if isinstance(message, dict) and "detail" in message:
        return {**error, "message": detail_of(message["detail"])}
    return error


def detail_of(detail: object) -> str:
    """What FastAPI says is wrong: a text, or a list of places with what is wrong there."""
    if not isinstance(detail, list):
        return str(detail)
    found = [each for each in detail if isinstance(each, dict)]
    return "; ".join(
        f"{'.'.join(map(str, each.get('loc') or ()))}: {each.get('msg')}" for each in found
    )


def without_identifiers(message: str, credential: Credential) -> str:
    """A message that names neither the secret nor the account behind it."""
    if credential.secret:
        message = message.replace(credential.secret, "***")
    return IDENTIFIERS.sub("***", message)


def default_type(status: int) -> str:
    """OpenAI's error type for a status whose body names none."""
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 or status < 400 else "invalid_request_error"
