# mypy: disallow-untyped-calls=False
"""An identity at Google: an access token, by google-auth.

That library annotates few of its functions, and takes 100 ms to load: only a router that needs it
does, in a thread.
"""

from __future__ import annotations

import logging
import math
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Any

from airouter.config.cloud_secrets import google_project, parse_google_secret
from airouter.providers.identity.base import IdentityError, header_line
from airouter.providers.identity.refreshing import SYSTEM, Clock, Grant, RefreshingSigner
from airouter.providers.identity.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.auth.credentials import Credentials
    from google.auth.transport import Request

CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
AWS_SUBJECT = "urn:ietf:params:aws:token-type:aws4_request"
REQUEST_TIMEOUT = 10.0
PROJECT = b"{project}"
WORDS = {
    "DefaultCredentialsError": "no identity was found around the process",
    "TransportError": "it could not be reached",
    "RefreshError": "it gave no token for this identity",
    "MalformedError": "the credentials file is not complete",
    "TimeoutError": "it did not answer in time",
}
"""Errors of google-auth by their class, since their texts may quote a secret."""


class GoogleSigner(RefreshingSigner):
    """An account of Google: of a secret, or what google-auth finds around the process."""

    remedy = "set secretRef, give the pod a workload identity, or GOOGLE_APPLICATION_CREDENTIALS"

    def __init__(
        self,
        secret_json: str | None = None,
        scopes: Sequence[str] = (CLOUD_PLATFORM,),
        *,
        name: str = "Google",
        workers: Workers | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        """Raises `ValueError` for a secret in no known form."""
        super().__init__(name, workers or Workers(), clock)
        self.project = google_project(secret_json)
        """The account's own project, if it has one; for an ambient one, known with its token."""
        self._info = None if secret_json is None else parse_google_secret(secret_json)
        self._scopes = scopes
        self._credentials: Credentials | None = None

    async def sign(self, path: bytes, body: bytes) -> tuple[bytes, bytes]:
        """Also put the project into a path that leaves a place for it."""
        path, lines = await super().sign(path, body)
        if PROJECT in path:
            if self.project is None:
                raise IdentityError(f"credential {self._name!r} has no project: set gcp.project")
            path = path.replace(PROJECT, self.project.encode())
        return path, lines

    def fetch(self) -> Grant:
        """Get a new access token. Raises what google-auth does."""
        request = make_request()
        if self._credentials is None:
            self._credentials = self._load(request)
        self._credentials.refresh(request)
        return grant_of(self._credentials)

    def reason(self, error: Exception) -> str:
        """Name OAuth's code (RFC 6749, 5.2), which has no place for a secret."""
        answer = error.args[1] if len(error.args) > 1 else None
        code = answer.get("error") if isinstance(answer, dict) else None
        known = isinstance(code, str) and code.replace("_", "").isalpha() and len(code) < 64
        if known:
            return f"Google refused with {code!r}"
        name = super().reason(error)
        return f"Google: {WORDS.get(name, name)}"

    def _load(self, request: Request) -> Credentials:
        if self._info is not None:
            return load(self._info, self._scopes)
        import google.auth  # noqa: PLC0415 - see above

        credentials, self.project = google.auth.default(scopes=self._scopes, request=request)
        return credentials


def load(info: dict[str, Any], scopes: Sequence[str]) -> Credentials:
    """Load the credentials of a secret, by the loader of their type, as google-auth advises."""
    from google.auth import aws, identity_pool, impersonated_credentials  # noqa: PLC0415
    from google.oauth2 import credentials, service_account  # noqa: PLC0415

    loaded: Credentials
    match info["type"]:
        case "service_account":
            loaded = service_account.Credentials.from_service_account_info(info, scopes=scopes)
        case "authorized_user":  # its scopes were agreed to when it logged in
            loaded = credentials.Credentials.from_authorized_user_info(info)
        case "impersonated_service_account":
            kind = impersonated_credentials.Credentials
            loaded = kind.from_impersonated_service_account_info(info, scopes=scopes)
        case _ if info["subject_token_type"] == AWS_SUBJECT:
            loaded = aws.Credentials.from_info(info, scopes=scopes)
        case _:
            loaded = identity_pool.Credentials.from_info(info, scopes=scopes)
    return loaded


def make_request() -> Request:
    """Return the transport of google-auth's own requests."""
    import google.auth.transport.requests  # noqa: PLC0415

    # At lower levels its log has tokens in it, and what it warns of we say ourselves.
    logging.getLogger("google.auth").setLevel(logging.ERROR)
    request: Any = partial(google.auth.transport.requests.Request(), timeout=REQUEST_TIMEOUT)
    return request  # type: ignore[no-any-return]  # called as one


def grant_of(credentials: Credentials) -> Grant:
    """Return the token of credentials that were refreshed."""
    token = credentials.token
    if not token:
        raise IdentityError("Google gave no access token")
    lines = header_line("authorization", f"Bearer {token}")
    if credentials.quota_project_id:
        lines += header_line("x-goog-user-project", credentials.quota_project_id)
    expiry = credentials.expiry  # in UTC, without saying so
    ends = math.inf if expiry is None else expiry.replace(tzinfo=UTC).timestamp()
    return Grant(lambda path, _body: (path, lines), ends)
