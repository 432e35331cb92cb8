"""Who we are at the clouds, shared between snapshots: a reload renews no unchanged identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.providers.identity.aws import AwsSigner
from airouter.providers.identity.google import GoogleSigner
from airouter.providers.identity.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from airouter.config.snapshot import Credential
    from airouter.providers.identity.base import Signer


class Identities:
    """Builds and starts signers, one for each identity and host; closes those out of use."""

    def __init__(self) -> None:
        self._workers = Workers()
        self._signers: dict[Hashable, Signer] = {}

    def signer_for(self, credential: Credential, host: str) -> Signer | None:
        """The signer of a credential, or None where a constant header will do.

        `host` is as in the `Host` header. Needs a running loop. Raises `ValueError` for a secret in
        no known form.
        """
        if credential.type not in {"VertexAI", "Bedrock"}:
            return None
        key = identity_key(credential, host)
        if key not in self._signers:
            self._signers[key] = self._make(credential, host)
            self._signers[key].start()
        return self._signers[key]

    def keep_only(self, used: Iterable[Signer]) -> None:
        """Let every other signer go; requests that hold one can still use it."""
        wanted = {id(signer) for signer in used}
        for key, signer in list(self._signers.items()):
            if id(signer) not in wanted:
                del self._signers[key]
                signer.close()

    def close(self) -> None:
        self.keep_only(())

    def _make(self, credential: Credential, host: str) -> Signer:
        name, secret = credential.name, credential.secret
        if credential.type == "VertexAI":
            return GoogleSigner(secret, name=name, workers=self._workers)
        place = credential.aws
        if place is None:
            raise ValueError(f"credential {name!r} has no region")
        return AwsSigner(
            place.region, host, secret, place.role_arn, name=name, workers=self._workers
        )


def identity_key(credential: Credential, host: str) -> Hashable:
    """What two credentials share exactly when one signer serves both."""
    return (credential.name, credential.type, credential.secret, credential.aws, host)
