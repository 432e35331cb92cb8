"""Certificates that somebody else issues: cert-manager keeps them in a Secret that is mounted.

The files are those of a Secret of the type `kubernetes.io/tls`, with the authority in `ca.crt`. A
renewed certificate is served as soon as kubelet has mounted it.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import TYPE_CHECKING

from airouter_operator.leading.stream_tls import NotIssued

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

logger = logging.getLogger("airouter.operator")

CERTIFICATE, KEY, AUTHORITY = "tls.crt", "tls.key", "ca.crt"
REFRESH = 60.0
"""Seconds; kubelet takes as long to mount another Secret."""


class IssuedCertificate:
    """A `StreamTls` by the files of a folder."""

    def __init__(self, folder: Path, refresh: float = REFRESH) -> None:
        """Serve with the certificate in `folder`; look after `refresh` seconds for another one."""
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._folder = folder
        self._refresh = refresh
        self._bundle = ""
        self._certificate = b""

    def bundle(self) -> str:
        return self._bundle

    async def run(self, changed: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(self._refresh)
            before = self._bundle
            try:
                await self.refresh()
            except NotIssued as error:
                logger.warning("the certificate is not renewed: %s", error)
            if self._bundle != before:
                changed()

    async def refresh(self) -> None:
        await asyncio.to_thread(self._load)

    def _load(self) -> None:
        """Load the files, if the certificate is another one. Raises `NotIssued`."""
        folder = self._folder
        try:
            certificate = (folder / CERTIFICATE).read_bytes()
            bundle = (folder / AUTHORITY).read_text()
            ssl.create_default_context(cadata=bundle)  # so that no pod gets what it cannot read
            if certificate != self._certificate:
                self.tls.load_cert_chain(folder / CERTIFICATE, folder / KEY)
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            raise NotIssued(why_not_issued(folder, error)) from None
        self._certificate, self._bundle = certificate, bundle


def why_not_issued(folder: Path, error: OSError | ValueError) -> str:
    """Return what is wrong with the files of a folder, and what would help."""
    missing = [name for name in (CERTIFICATE, KEY, AUTHORITY) if not (folder / name).exists()]
    if missing == [AUTHORITY]:
        return f"{folder} has no {AUTHORITY} (fix: an issuer with an authority of its own)"
    if missing:
        return f"{folder} has no {missing[0]} (fix: see the Certificate that issues it)"
    return f"the certificate in {folder} cannot be used: {type(error).__name__}"
