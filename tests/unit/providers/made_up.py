"""A provider that nobody has heard of, as somebody would add it: one file, which its row names.

It speaks Anthropic's dialect below a path of its own, is where a label of its credential says, and
wants a signature over each body.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airouter.dialects.messages.upstream import MESSAGES
from airouter.providers.anthropic import model_envelope
from airouter.providers.base import Provider
from airouter.providers.binding import Binding

if TYPE_CHECKING:
    from airouter.config.snapshot import Credential
    from airouter.providers.binding import Api
    from airouter.providers.identity.base import Signer
    from airouter.providers.identity.workers import Workers


@dataclass(frozen=True)
class MadeUp(Provider):
    """Models on a port of this machine."""

    def base_url(self, credential: Credential) -> str | None:
        port = credential.labels.get("port")
        return None if port is None else f"http://127.0.0.1:{port}/made/up"

    def bind(self, api: Api, credential: Credential, model: str) -> Binding | None:
        if api not in ("chat", "messages", "responses"):
            return None
        return Binding(MESSAGES, f"/ask/{model}", envelope=model_envelope(model))

    def authorization(self, credential: Credential) -> list[tuple[str, str]]:
        return []

    def make_signer(self, credential: Credential, host: str, workers: Workers) -> Signer:
        return BodySigner((credential.secret or "").encode())


class BodySigner:
    """An HMAC over each body."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    async def sign(self, path: bytes, body: bytes) -> tuple[bytes, bytes]:
        return path, b"x-signature: %b\r\n" % signature(self._key, body)

    def start(self) -> None:
        pass

    def close(self) -> None:
        pass


def signature(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, body, hashlib.sha256).hexdigest().encode()
