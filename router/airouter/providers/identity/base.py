"""The contract between an identity and all others: it authorizes requests, each by itself.

`refreshing.py` has what the identities share; `google.py` and `aws.py` get the credentials.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from airouter.interfaces import UpstreamError

if TYPE_CHECKING:
    from airouter.config.snapshot import Credential
    from airouter.providers.identity.workers import Workers


class IdentityError(UpstreamError):
    """A failure to prove who asks. The text says at whom and why, and never with what."""

    kind = "identity_error"
    told = "The router could not get credentials for the upstream."


class Signer(Protocol):
    """Authorizes the requests of one credential."""

    async def sign(self, path: bytes, body: bytes) -> tuple[bytes, bytes]:
        """Return the path to send to, and header lines (each ended by CRLF), for one POST.

        `path` is with its query, as sent. Waits only, and for a bounded time, while there is
        nothing valid at hand. Raises `IdentityError`.
        """
        ...

    def start(self) -> None:
        """Have something valid at hand from now on, by a task of the running loop."""
        ...

    def close(self) -> None:
        """Renew no more; what is at hand serves until it ends."""
        ...


class SignerMaker(Protocol):
    """Builds signers: a `Provider`."""

    def make_signer(self, credential: Credential, host: str, workers: Workers) -> Signer | None:
        """Build the signer of a credential, or None where it needs none."""
        ...


def header_line(name: str, value: str) -> bytes:
    """Return a line of a header. Raises `ValueError` for a value that cannot stand in one."""
    if not value.isascii() or not value.isprintable():
        raise ValueError(f"what was given for {name} cannot stand in a header")
    return f"{name}: {value}\r\n".encode("ascii")
