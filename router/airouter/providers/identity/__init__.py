"""Identities of a router at its providers, shared between snapshots.

A reload renews no unchanged identity: a signer outlives the snapshots that use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.providers.identity.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from airouter.config.snapshot import Credential
    from airouter.providers.identity.base import Signer, SignerMaker


class Identities:
    """Starts signers, one for each identity and host; closes those out of use."""

    def __init__(self) -> None:
        self._workers = Workers()
        self._signers: dict[Hashable, Signer] = {}

    def signer_for(self, maker: SignerMaker, credential: Credential, host: str) -> Signer | None:
        """Return the signer of a credential, or None where a constant header will do.

        `host` is as in the `Host` header. Needs a running loop. Raises what `maker` does.
        """
        key = identity_key(credential, host)
        signer = self._signers.get(key) or maker.make_signer(credential, host, self._workers)
        if signer is not None and key not in self._signers:
            self._signers[key] = signer
            signer.start()
        return signer

    def keep_only(self, used: Iterable[Signer]) -> None:
        """Let every other signer go; requests that hold one can still use it."""
        wanted = {id(signer) for signer in used}
        for key, signer in list(self._signers.items()):
            if id(signer) not in wanted:
                del self._signers[key]
                signer.close()

    def close(self) -> None:
        self.keep_only(())


def identity_key(credential: Credential, host: str) -> Hashable:
    """Return what two credentials share exactly when one signer serves both."""
    place = (credential.aws, credential.gcp, host)
    return (credential.name, credential.type, credential.secret, *place)
