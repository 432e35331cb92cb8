"""The contract of a provider: where it is, by which API it is asked, as whom, what its errors say.

What is known of a type without calling it is its row in `config/providers.py`; a type that speaks
OpenAI's API needs nothing else. Any other one is a subclass in a file of its own, which the row
names.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.overflow import name_overflow
from airouter.failures import Failure
from airouter.providers.headers import retry_after
from airouter.providers.masking import Masking
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airouter.config.providers import ProviderType
    from airouter.config.snapshot import Credential
    from airouter.dialects.conversation import Json
    from airouter.interfaces import Upstream
    from airouter.providers.binding import Api, Binding
    from airouter.providers.identity.base import Signer
    from airouter.providers.identity.workers import Workers

ERROR_LIMIT = 1_048_576
"""Bytes of an error's body; more is not read. Validators say again all that they were sent."""
MESSAGE_LIMIT = 2_000
OF_THE_FILTER = ("code", "content_filter_result", "content_filter_results")
INNER_LIMIT = 4_096
"""Bytes."""
ANYTHING: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
OF_THE_KEY = frozenset({401, 403, 407})
"""Statuses that are about who asks."""
AUTHENTICATION_FAILED = "upstream_authentication_failed"


@dataclass(frozen=True)
class Provider(ABC):
    """A type of provider. Stateless: what differs between accounts is in the credential."""

    row: ProviderType

    @property
    def trace_name(self) -> str:
        return self.row.trace_name

    def base_url(self, credential: Credential) -> str | None:  # noqa: ARG002 - for subclasses
        """Return where the API is when the credential does not say; None if that is nowhere."""
        return self.row.base_url

    @abstractmethod
    def bind(self, api: Api, credential: Credential, model: str) -> Binding | None:
        """Return how a model is asked for; None for an API that is not offered."""

    def authorization(self, credential: Credential) -> list[tuple[str, str]]:
        """Return the headers that prove who asks, where every request has the same."""
        if credential.secret is None:
            return []
        return [("authorization", f"Bearer {credential.secret}")]

    def make_signer(
        self,
        credential: Credential,  # noqa: ARG002 - for subclasses
        host: str,  # noqa: ARG002 - for subclasses
        workers: Workers,  # noqa: ARG002 - for subclasses
    ) -> Signer | None:
        """Build what authorizes each request, where no header that stays the same does.

        `host` is as in the `Host` header. Raises `ValueError` for a secret in no known form.
        """
        return None

    def open_upstream(
        self,
        credential: Credential,  # noqa: ARG002 - for subclasses
        connect: Callable[[], Upstream],
    ) -> Upstream:
        """Open what answers: the connections that `connect` gives, unless it needs none.

        Raises what `connect` does.
        """
        return connect()

    def failure(
        self, status: int, headers: Mapping[bytes, bytes], body: bytes, credential: Credential
    ) -> Failure:
        """Read a provider's error, in OpenAI's terms and without anything of the credential."""
        read = body if len(body) <= ERROR_LIMIT else b""
        failure = name_overflow(self.read_failure(status, headers, read))
        if failure.status in OF_THE_KEY:  # of the router's key: a client can mend nothing
            return refused_credential()
        if failure.retry_after is None:
            failure.retry_after = retry_after(status, headers)
        Masking(credential).failure(failure)
        failure.message = failure.message[:MESSAGE_LIMIT]
        return failure

    def read_failure(
        self,
        status: int,
        headers: Mapping[bytes, bytes],  # noqa: ARG002 - for subclasses
        body: bytes,
    ) -> Failure:
        """Read an error as OpenAI and its imitators write it."""
        error = reported_error(body)
        message = error.get("message")
        if not isinstance(message, str) or not message:
            message = f"The upstream answered with status {status}."
        type_, code, param = (error.get(name) for name in ("type", "code", "param"))
        return Failure(
            status if 400 <= status < 600 else 502,
            message,
            type=type_ if isinstance(type_, str) else default_type(status),
            code=None if code is None else str(code),
            param=param if isinstance(param, str) else None,
            inner=inner_error(error),
        )


def refused_credential() -> Failure:
    """Return the failure for a key of the router's, or a right of it, that a provider refused."""
    return Failure(
        502,
        "The upstream refused the router's own credential.",
        type="server_error",
        code=AUTHENTICATION_FAILED,
    )


def reported_error(body: bytes) -> dict[str, Any]:
    """Return the error in a body, in any of the shapes that OpenAI-compatible servers use.

    `{"error": {"message"}}` (OpenAI), `{"error": "text"}`, `{"message"}` (vLLM before 0.10,
    Mistral) and `{"detail"}` (FastAPI), the last also as a message (Mistral).
    """
    found = decoded_or_none(ANYTHING, body)
    if isinstance(found, list) and found:
        found = found[0]
    if not isinstance(found, dict):
        return {}
    error = found.get("error", found)
    if isinstance(error, str):
        return {"message": error}
    if not isinstance(error, dict):
        return {}
    message = error.get("message", error)
    if isinstance(message, dict) and "detail" in message:
        return {**error, "message": detail_of(message["detail"])}
    return error


def inner_error(error: Mapping[str, Any]) -> Json | None:
    """Return what Azure's filter found, which its SDKs read; None where it tells nothing."""
    inner = error.get("innererror")
    if not isinstance(inner, dict):
        return None
    kept = {name: inner[name] for name in OF_THE_FILTER if name in inner}
    return kept if kept and len(msgspec.json.encode(kept)) <= INNER_LIMIT else None


def detail_of(detail: object) -> str:
    """Return FastAPI's reason: a text, or a list of places with what is wrong there."""
    if not isinstance(detail, list):
        return str(detail)
    found = [each for each in detail if isinstance(each, dict)]
    return "; ".join(
        f"{'.'.join(map(str, each.get('loc') or ()))}: {each.get('msg')}" for each in found
    )


def default_type(status: int) -> str:
    """Return OpenAI's error type for a status whose body names none."""
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 or status < 400 else "invalid_request_error"
