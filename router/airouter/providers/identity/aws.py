"""An identity at AWS: a Bedrock API key, or a signature (SigV4) over each request, by botocore.

botocore takes 100 ms to load: only a router that needs it does, in a thread. Its credentials may
ask the network whenever they are read, so they are read only there; the loop signs with a frozen
copy.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from airouter.config.cloud_secrets import AWSKeys, parse_aws_secret
from airouter.providers.identity.base import IdentityError, header_line
from airouter.providers.identity.refreshing import SYSTEM, Clock, Grant, RefreshingSigner
from airouter.providers.identity.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.credentials import Credentials, ReadOnlyCredentials
    from botocore.session import Session

SERVICE = "bedrock"
"""The name that is signed; the host is called `bedrock-runtime`."""
AMBIENT_API_KEY = "AWS_BEARER_TOKEN_BEDROCK"
SESSION_NAME = "airouter"
"""By which CloudTrail shows the sessions of an assumed role."""
LARGE = 262_144
"""Bytes of a body whose checksum would stop the event loop."""


class Keys(NamedTuple):
    """Frozen credentials, valid until `ends`, a time of day in seconds."""

    frozen: ReadOnlyCredentials
    ends: float

    def __repr__(self) -> str:
        return f"Keys(ends={self.ends})"


class AwsSigner(RefreshingSigner):
    """An account of AWS: of a secret, or what botocore finds around the process."""

    remedy = "set secretRef, or give the pod a role: IRSA, Pod Identity, or keys of the environment"

    def __init__(
        self,
        region: str,
        host: str,
        secret: str | None = None,
        role_arn: str | None = None,
        *,
        name: str = "AWS",
        workers: Workers | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        """`host` is as in the `Host` header. Raises `ValueError` for a secret of no known form."""
        super().__init__(name, workers or Workers(), clock)
        self._region = region
        self._host = host
        self._role_arn = role_arn
        self._static: AWSKeys | None = None
        self._keys: Callable[[], Keys] | None = None
        given = parse_aws_secret(secret) if secret is not None else ambient_api_key(role_arn)
        if isinstance(given, AWSKeys):
            self._static = given
        elif given is not None:
            if role_arn is not None:
                raise ValueError("a Bedrock API key cannot assume a role")
            lines = header_line("authorization", f"Bearer {given}")
            self.accept(Grant(lambda path, _body: (path, lines), math.inf))

    async def sign(self, path: bytes, body: bytes) -> tuple[bytes, bytes]:
        if len(body) <= LARGE:
            return await super().sign(path, body)
        return await asyncio.to_thread(await self.proof(), path, body)

    def fetch(self) -> Grant:
        """Get new keys. Raises what botocore does."""
        if self._keys is None:
            self._keys = open_keys(self._region, self._static, self._role_arn)
        keys = self._keys()
        return Grant(SigV4(keys.frozen, self._region, self._host), keys.ends)

    def reason(self, error: Exception) -> str:
        """Name AWS's code, which has no place for a secret."""
        response = getattr(error, "response", None)
        code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
        known = isinstance(code, str) and code.replace(".", "").isalnum() and len(code) < 64
        return f"AWS refused with {code!r}" if known else f"AWS: {super().reason(error)}"


class SigV4:
    """A signature of AWS with one set of keys.

    Signed are the host, the time, the session token, and the body. Where a path has escapes, SigV4
    escapes them again for all services but S3 (`SigV4Auth` does).
    """

    def __init__(self, keys: ReadOnlyCredentials, region: str, host: str) -> None:
        from botocore.auth import SigV4Auth  # noqa: PLC0415
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415

        self._auth = SigV4Auth(keys, SERVICE, region)
        self._request = AWSRequest
        self._root = f"https://{host}"

    def __call__(self, path: bytes, body: bytes) -> tuple[bytes, bytes]:
        """Return the path as it is, and the header lines for one POST."""
        request = self._request("POST", self._root + path.decode("ascii"), data=body)
        self._auth.add_auth(request)
        lines = (f"{name.lower()}: {value}\r\n" for name, value in request.headers.items())
        return path, "".join(lines).encode("ascii")


def ambient_api_key(role_arn: str | None) -> str | None:
    """Return the API key of the environment, which goes before keys there, not before a role."""
    return (os.environ.get(AMBIENT_API_KEY, "").strip() or None) if role_arn is None else None


def open_keys(region: str, static: AWSKeys | None, role_arn: str | None) -> Callable[[], Keys]:
    """Return a source of valid keys, to be called in a thread. Raises `IdentityError`."""
    session = open_session(region)
    if static is not None:
        session.set_credentials(*static)
    source: Credentials | None = session.get_credentials()
    if source is None:
        raise IdentityError("AWS: no credentials were found around the process")
    if role_arn is None:
        return lambda: frozen_keys(source)
    return assume(session, source, role_arn)


def open_session(region: str) -> Session:
    """Open a session of botocore whose own requests are bounded in time."""
    from botocore.config import Config  # noqa: PLC0415
    from botocore.session import Session  # noqa: PLC0415

    # At lower levels its log has secrets in it, and what it warns of we say ourselves.
    logging.getLogger("botocore").setLevel(logging.ERROR)
    session = Session()
    session.set_config_variable("region", region)
    session.set_default_client_config(
        Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
    )
    return session


def frozen_keys(credentials: Credentials) -> Keys:
    """Return credentials frozen; botocore renews those that need it first."""
    frozen = credentials.get_frozen_credentials()
    # Nothing public says when they end.
    expiry: datetime | None = getattr(credentials, "_expiry_time", None)
    return Keys(frozen, math.inf if expiry is None else expiry.timestamp())


def assume(session: Session, source: Credentials, role_arn: str) -> Callable[[], Keys]:
    """Return a source of a role's keys, new ones with every call: `refreshing.py` says when."""
    from botocore.credentials import (  # noqa: PLC0415
        AssumeRoleCredentialFetcher,
        ReadOnlyCredentials,
    )

    cache: dict[str, object] = {}
    fetcher = AssumeRoleCredentialFetcher(
        session.create_client,
        source,
        role_arn,
        extra_args={"RoleSessionName": SESSION_NAME},
        cache=cache,
    )

    def keys() -> Keys:
        cache.clear()
        given = fetcher.fetch_credentials()
        frozen = ReadOnlyCredentials(given["access_key"], given["secret_key"], given["token"])
        return Keys(frozen, datetime.fromisoformat(given["expiry_time"]).timestamp())

    return keys
