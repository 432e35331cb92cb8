"""Who we are at clouds that want more than a key; kept over reloads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.providers.identity import aws, google

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airouter.config.snapshot import Credential
    from airouter.providers.identity.base import Signer

Key = tuple[object, ...]


class Identities:
    """Signers, one for each identity; a reload leaves those of unchanged credentials alone."""

    def __init__(self) -> None:
        self._signers: dict[Key, Signer] = {}

    def signer_for(self, credential: Credential, host: str) -> Signer | None:
        """The signer of a credential; None where a fixed key is enough. Needs a running loop."""
        if credential.type not in {"VertexAI", "Bedrock"}:
            return None
        key: Key = (credential.name, credential.type, credential.secret, credential.aws, host)
        if key not in self._signers:
            self._signers[key] = open_signer(credential, host)
        return self._signers[key]

    def keep_only(self, used: Iterable[Signer]) -> None:
        """Close every other signer."""
        wanted = {id(signer) for signer in used}
        for key, signer in list(self._signers.items()):
            if id(signer) not in wanted:
                del self._signers[key]
                signer.close()

    def close(self) -> None:
        self.keep_only(())


def open_signer(credential: Credential, host: str) -> Signer:
    """A new signer. Raises `ValueError` for a secret that cannot be read."""
    name = f"credential {credential.name}"
    if credential.type == "VertexAI":
        return google.GoogleSigner(name, credential.secret)
    if credential.aws is None:
        raise ValueError(f"{name} has no region")
    place = credential.aws
    return aws.signer_for(name, place.region, host, credential.secret, place.role_arn)
