"""Tokens of Google Cloud, by google-auth: a credentials file, or whatever the place gives us."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, NamedTuple

from airouter.config.compile.identity import parse_google_secret
from airouter.providers.identity.base import IdentityError, Lease, Renewal

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
TIMEOUT = 8.0
"""Seconds for one call of Google's token service."""
PROJECT = b"{project}"


class Token(NamedTuple):
    """A token, and the project that it is for where nobody has said another."""

    value: str
    project: str | None

    def __repr__(self) -> str:
        return f"Token(project={self.project!r})"


class GoogleSigner:
    """Puts a token into each request, and the project into its path."""

    def __init__(self, name: str, secret: str | None) -> None:
        """`secret` is a credentials file; None takes the ambient identity."""
        self._source = Source(secret)
        self._renewal = Renewal(self._source.obtain, name)
        self._renewal.start()

    async def sign(self, path: bytes, body: bytes) -> tuple[bytes, bytes]:  # noqa: ARG002
        token = await self._renewal.get()
        if PROJECT in path:
            if token.project is None:
                raise IdentityError("the identity belongs to no project: set gcp.project")
            path = path.replace(PROJECT, token.project.encode())
        return path, f"authorization: Bearer {token.value}\r\n".encode()

    def close(self) -> None:
        self._renewal.close()


class Source:
    """Where tokens come from. Blocks; is used by one thread at a time."""

    def __init__(self, secret: str | None) -> None:
        self._secret = secret
        self._credentials: Credentials | None = None
        self._project: str | None = None

    def obtain(self) -> Lease[Token]:
        """A new token. Raises what google-auth does."""
        from google.auth.transport.requests import Request  # noqa: PLC0415  # only where needed

        if self._credentials is None:
            self._credentials, self._project = load(self._secret)
        credentials, transport = self._credentials, Request()

        def bounded(*args: Any, **kwargs: Any) -> Any:
            return transport(*args, **{**kwargs, "timeout": TIMEOUT})

        credentials.refresh(bounded)  # type: ignore[no-untyped-call]  # google-auth has no types
        expiry = credentials.expiry
        ends = None if expiry is None else expiry.replace(tzinfo=UTC).timestamp()
        return Lease(Token(str(credentials.token), self._project), ends)


def load(secret: str | None) -> tuple[Credentials, str | None]:
    """The credentials, and the project that they name. Raises what google-auth does."""
    import google.auth  # noqa: PLC0415
    from google.oauth2 import service_account  # noqa: PLC0415

    if secret is None:
        found: tuple[Credentials, str | None] = google.auth.default(scopes=SCOPES)
        return found
    info = parse_google_secret(secret)
    if info["type"] == "service_account":
        read: Any = service_account.Credentials.from_service_account_info
        return read(info, scopes=SCOPES), info.get("project_id")
    read_any: Any = google.auth.load_credentials_from_dict
    credentials, project = read_any(info, scopes=SCOPES)
    return credentials, project
