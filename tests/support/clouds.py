"""What gives out tokens at Google, AWS and Microsoft, strict, and as the test wishes, failing."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ROLE = "arn:aws:iam::123456789012:role/router"
EMAIL = "router@project-1.iam.gserviceaccount.com"
CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"


@cache
def private_key() -> rsa.RSAPrivateKey:
    """The key of the service account: making one takes a while."""
    return rsa.generate_private_key(65537, 2048)


class Cloud:
    """Tokens that live `life` seconds, or `refusal` in their place."""

    def __init__(self) -> None:
        self.url = ""
        self.life = 3600.0
        self.refusal: str | None = None
        """Quoted to the client, as real services quote what they were sent."""
        self.asked: list[dict[str, str]] = []
        """The form of each request, and its authorization."""
        self.ends: dict[str, float] = {}
        """When each token that was given ends."""

    def give(self) -> tuple[str, float]:
        """A new token and its end."""
        token = f"token-{len(self.ends) + 1}"
        self.ends[token] = time.time() + self.life
        return token, self.ends[token]

    def is_valid(self, head: bytes) -> bool:
        """Whether header lines have a token that is valid now."""
        return any(
            token.encode() + b"\r\n" in head and time.time() < end
            for token, end in self.ends.items()
        )

    async def note(self, request: web.Request) -> dict[str, str]:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append({**form, "authorization": request.headers.get("authorization", "")})
        return form


class Google(Cloud):
    """Google's token endpoint, for service accounts and for workload identity federation."""

    def service_account(self, **more: str) -> str:
        """A key file whose endpoint is this one."""
        pem = private_key().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        info = {
            "type": "service_account",
            "project_id": "project-1",
            "client_email": EMAIL,
            "private_key_id": "key-1",
            "private_key": pem.decode(),
            "token_uri": f"{self.url}/token",
        }
        return json.dumps(info | more)

    def federation(self, token_file: str, **more: str) -> str:
        """The configuration of a workload identity pool."""
        info = {
            "type": "external_account",
            "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": f"{self.url}/token",
            "credential_source": {"file": token_file},
        }
        return json.dumps(info | more)

    async def answer(self, request: web.Request) -> web.Response:
        form = await self.note(request)
        if self.refusal is not None:
            error = {"error": "invalid_grant", "error_description": self.refusal}
            return web.json_response(error, status=400)
        if "assertion" in form:
            self.check(form["assertion"])
        token, _ = self.give()
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": int(self.life)}
        issued = "urn:ietf:params:oauth:token-type:access_token"
        return web.json_response(answer | {"issued_token_type": issued})

    def check(self, assertion: str) -> None:
        """Whether a JWT is what this account would sign for this endpoint (RFC 7523)."""
        signed, _, signature = assertion.rpartition(".")
        public = private_key().public_key()
        public.verify(from_base64(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        claims = json.loads(from_base64(signed.partition(".")[2]))
        assert (claims["iss"], claims["scope"]) == (EMAIL, CLOUD_PLATFORM)
        assert claims["iat"] <= time.time() + 1 < claims["exp"]


class Entra(Cloud):
    """Microsoft Entra's token endpoint, for applications with a federated credential."""

    def environ(self, proof: Path) -> dict[str, str]:
        """What Azure's workload identity puts into a pod."""
        return {
            "AZURE_CLIENT_ID": "app",
            "AZURE_TENANT_ID": "tenant",
            "AZURE_FEDERATED_TOKEN_FILE": str(proof),
            "AZURE_AUTHORITY_HOST": f"{self.url}/",
        }

    async def answer(self, request: web.Request) -> web.Response:
        form = await self.note(request)
        if self.refusal is not None:
            error = {"error": "invalid_client", "error_description": self.refusal}
            return web.json_response(error, status=401)
        assert request.path == "/tenant/oauth2/v2.0/token"
        assert (form["grant_type"], form["client_id"]) == ("client_credentials", "app")
        assert form["client_assertion_type"].endswith(":client-assertion-type:jwt-bearer")
        assert form["scope"] == "https://cognitiveservices.azure.com/.default"
        token, _ = self.give()
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": int(self.life)}
        return web.json_response(answer)


class AWS(Cloud):
    """STS at /, the agent of Pod Identity at /pod; each gives keys with `token` as their last."""

    async def answer(self, request: web.Request) -> web.Response:
        form = await self.note(request)
        if self.refusal is not None:
            return web.Response(status=403, content_type="text/xml", text=refusal(self.refusal))
        token, end = self.give()
        keys = {
            "AccessKeyId": f"ASIA{token}",
            "SecretAccessKey": f"secret of {token}",
            "SessionToken": token,
            "Expiration": datetime.fromtimestamp(end, UTC).isoformat(),
        }
        if request.path == "/pod":
            keys["Token"] = keys.pop("SessionToken")
            return web.json_response(keys)
        return web.Response(content_type="text/xml", text=session(form["Action"], keys))


def session(action: str, keys: dict[str, str]) -> str:
    """What STS says when a role was assumed."""
    fields = "".join(f"<{name}>{value}</{name}>" for name, value in keys.items())
    user = f"<AssumedRoleUser><Arn>{ROLE}/airouter</Arn></AssumedRoleUser>"
    result = f"<{action}Result><Credentials>{fields}</Credentials>{user}</{action}Result>"
    namespace = "https://sts.amazonaws.com/doc/2011-06-15/"
    return f'<{action}Response xmlns="{namespace}">{result}</{action}Response>'


def refusal(message: str) -> str:
    """An error of STS."""
    error = f"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>"
    return f"<ErrorResponse>{error}</ErrorResponse>"


def from_base64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@contextlib.asynccontextmanager
async def listening(answer: Callable[[web.Request], Awaitable[Any]]) -> AsyncIterator[str]:
    """An address on loopback where all requests get an answer."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
