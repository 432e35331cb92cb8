"""An identity at Microsoft Entra: an access token for Azure OpenAI, without a key.

Azure's workload identity has a token of the pod's ServiceAccount in a file, and says in the
environment where that is and whose it is. Entra takes it in place of a secret of the application
(RFC 7523, section 2.2).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from airouter.providers.identity.base import IdentityError, header_line
from airouter.providers.identity.refreshing import SYSTEM, Clock, Grant, RefreshingSigner
from airouter.providers.identity.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Mapping

CLIENT, TENANT = "AZURE_CLIENT_ID", "AZURE_TENANT_ID"
FILE, AUTHORITY = "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"
PUBLIC_AUTHORITY = "https://login.microsoftonline.com/"
SCOPES = {
    "login.microsoftonline.us": "https://cognitiveservices.azure.us/.default",
    "login.chinacloudapi.cn": "https://cognitiveservices.azure.cn/.default",
    "login.partner.microsoftonline.cn": "https://cognitiveservices.azure.cn/.default",
}
"""What is asked for in other clouds than the public one, by the host of their authority."""
PUBLIC_SCOPE = "https://cognitiveservices.azure.com/.default"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
REQUEST_TIMEOUT = 10.0
LONGEST_CODE = 64


class AccessToken(msgspec.Struct):
    """A token, as Entra gives it."""

    access_token: str
    expires_in: float


class TokenRefusal(msgspec.Struct):
    """A refusal, of which nothing else is read: its description may quote a token."""

    error: str = ""


_token = msgspec.json.Decoder(AccessToken)
_refusal = msgspec.json.Decoder(TokenRefusal)


class AzureSigner(RefreshingSigner):
    """An application of Entra, which the pod's ServiceAccount may act for."""

    remedy = "see whether the application has a federated credential for the pod's ServiceAccount"

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        name: str = "Azure",
        workers: Workers | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        """Raises `ValueError` where the environment does not say who the pod is."""
        super().__init__(name, workers or Workers(), clock)
        for variable in (CLIENT, TENANT):
            if not environ.get(variable):
                raise ValueError(f"{FILE} is set, and {variable} is not")
        self._client = environ[CLIENT]
        self._file = Path(environ[FILE])
        authority = environ.get(AUTHORITY) or PUBLIC_AUTHORITY
        self._url = f"{authority.rstrip('/')}/{environ[TENANT]}/oauth2/v2.0/token"
        self._scope = SCOPES.get(urlsplit(authority).hostname or "", PUBLIC_SCOPE)

    def fetch(self) -> Grant:
        """Get a new access token; the file has a new proof every now and then."""
        import httpx  # noqa: PLC0415 - takes 100 ms to load

        form = {
            "grant_type": "client_credentials",
            "client_id": self._client,
            "scope": self._scope,
            "client_assertion_type": JWT_BEARER,
            "client_assertion": self._file.read_text().strip(),
        }
        asked_at = time.time()
        answer = httpx.post(self._url, data=form, timeout=REQUEST_TIMEOUT)
        if answer.status_code != httpx.codes.OK:
            raise IdentityError(f"Azure refused with {code_of(answer.content)!r}")
        token = _token.decode(answer.content)
        lines = header_line("authorization", f"Bearer {token.access_token}")
        return Grant(lambda path, _body: (path, lines), asked_at + token.expires_in)

    def reason(self, error: Exception) -> str:
        if isinstance(error, OSError):
            return "Azure: the file of the pod's token cannot be read"
        if isinstance(error, msgspec.DecodeError):
            return "Azure: it gave no token"
        return f"Azure: it could not be reached ({super().reason(error)})"


def code_of(body: bytes) -> str:
    """Return OAuth's code for a refusal (RFC 6749, 5.2), which has no place for a secret."""
    try:
        code = _refusal.decode(body).error
    except msgspec.DecodeError:
        code = ""
    known = code.replace("_", "").isalpha() and len(code) < LONGEST_CODE
    return code if known else "no code"
