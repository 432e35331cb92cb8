"""The TLS of the operator's ports, as an interface.

`authority.py` makes certificates, and `issued.py` takes those that somebody else issues.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable


class NotIssued(Exception):
    """There is no certificate yet, or none that can be served with; the message has the remedy."""


class StreamTls(Protocol):
    """The TLS of the stream, and of the webhook."""

    tls: ssl.SSLContext
    """Always the same object; connections from now on have what was loaded last."""

    def bundle(self) -> str:
        """Return all certificates that pods are to trust, as PEM."""
        ...

    async def refresh(self) -> None:
        """Load what is due. Raises `KubeError` or `NotIssued`."""
        ...

    async def run(self, changed: Callable[[], None]) -> None:
        """Refresh now and then, until cancelled; call `changed` when the bundle is another one."""
        ...
