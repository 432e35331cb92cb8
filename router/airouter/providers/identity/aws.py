"""Signatures of AWS, by botocore: version 4, or the one word that is an API key for Bedrock."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import TYPE_CHECKING, Any

from airouter.config.compile.identity import AWSKeys, parse_aws_secret
from airouter.providers.identity.base import Lease, Renewal

if TYPE_CHECKING:
    from botocore.credentials import Credentials, ReadOnlyCredentials
    from botocore.session import Session

SERVICE = "bedrock"
"""The name that signatures are made for; the host is called `bedrock-runtime`."""
BEARER = "AWS_BEARER_TOKEN_BEDROCK"
ROLE_SESSION = "airouter"
LARGE = 262_144
"""Bytes of a body from which on its checksum is made in a thread."""


class BearerSigner:
    """Puts the same word into each request."""

    def __init__(self, word: str) -> None:
        self._head = f"authorization: Bearer {word}\r\n".encode()

    async def sign(self, path: bytes, body: bytes) -> tuple[bytes, bytes]:  # noqa: ARG002
        return path, self._head

    def close(self) -> None:
        """Nothing is renewed."""


class AWSSigner:
    """Signs each request by keys that are renewed in the background."""

    def __init__(self, name: str, region: str, host: str, source: Source) -> None:
        self._region = region
        self._host = host
        self._renewal = Renewal(source.obtain, name)
        self._renewal.start()

    async def sign(self, path: bytes, body: bytes) -> tuple[bytes, bytes]:
        keys = await self._renewal.get()
        sign = partial(signature, keys, self._region, self._host, path, body)
        return path, await asyncio.to_thread(sign) if len(body) > LARGE else sign()

    def close(self) -> None:
        self._renewal.close()


class Source:
    """Where keys come from. Blocks; is used by one thread at a time."""

    def __init__(self, region: str, keys: AWSKeys | None, role: str | None) -> None:
        """Without `keys`, botocore's chain: environment, web identity, Pod Identity, instance."""
        self._region = region
        self._keys = keys
        self._role = role
        self._credentials: Credentials | None = None

    def obtain(self) -> Lease[ReadOnlyCredentials]:
        """Keys that are valid now. Raises what botocore does."""
        if self._credentials is None:
            self._credentials = self._load()
        frozen = self._credentials.get_frozen_credentials()
        ends = getattr(self._credentials, "_expiry_time", None)
        return Lease(frozen, None if ends is None else ends.timestamp())

    def _load(self) -> Credentials:
        from botocore.credentials import Credentials  # noqa: PLC0415  # only where needed
        from botocore.session import Session  # noqa: PLC0415

        session = Session()
        found: Credentials | None = Credentials(*self._keys) if self._keys is not None else None
        if found is None:
            found = session.get_credentials()
        if found is None:
            raise LookupError("there is no identity of AWS in this place")
        return found if self._role is None else assumed(session, found, self._role, self._region)


def assumed(session: Session, source: Credentials, role: str, region: str) -> Credentials:
    """The keys of a role, which botocore renews."""
    from botocore.config import Config  # noqa: PLC0415
    from botocore.credentials import (  # noqa: PLC0415
        AssumeRoleCredentialFetcher,
        DeferredRefreshableCredentials,
    )

    config = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2})

    def client(*args: Any, **kwargs: Any) -> Any:
        return session.create_client(*args, **{"region_name": region, "config": config, **kwargs})

    fetcher = AssumeRoleCredentialFetcher(
        client, source, role, extra_args={"RoleSessionName": ROLE_SESSION}
    )
    return DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")


def signature(keys: ReadOnlyCredentials, region: str, host: str, path: bytes, body: bytes) -> bytes:
    """Header lines that authorize one POST.

    `path` is as it is sent, so percent-encoded once; botocore encodes it again, as version 4 wants
    it for every service but S3.
    """
    from botocore.auth import SigV4Auth  # noqa: PLC0415
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415

    request = AWSRequest("POST", f"https://{host}{path.decode()}", data=body)
    SigV4Auth(keys, SERVICE, region).add_auth(request)
    lines = (f"{name}: {value}\r\n" for name, value in request.headers.items())
    return "".join(lines).encode("latin-1")


def signer_for(
    name: str, region: str, host: str, secret: str | None, role: str | None
) -> AWSSigner | BearerSigner:
    """The signer of a credential."""
    given = None if secret is None else parse_aws_secret(secret)
    if isinstance(given, str):
        return BearerSigner(given)
    ambient = os.environ.get(BEARER) if given is None and role is None else None
    if ambient:
        return BearerSigner(ambient)
    return AWSSigner(name, region, host, Source(region, given, role))
