"""Who asks: a bearer token, or a signature that botocore computes again over what has come.

The path is taken as it was sent: a client that encodes a model's id once too often, or once too
little, has signed another path than the one that is here.
"""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from contract.services.bedrock.refusals import (
    expired_key,
    failing,
    unknown_key,
    wrong_signature,
)

if TYPE_CHECKING:
    from aiohttp import web

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/"
    r"(?P<service>[^/]+)/aws4_request, ?SignedHeaders=(?P<headers>[^,]+), ?"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
BEARER = "bedrock-api-key-0123456789"
KEYS: dict[str, tuple[str, str | None]] = {"AKIASERVICE": ("service-secret-0123456789", None)}
SKEW = 300
"""Seconds that a client's clock may be wrong."""


@dataclass
class Access:
    """Who may ask."""

    region: str
    bearer: str = BEARER
    keys: dict[str, tuple[str, str | None]] = field(default_factory=lambda: dict(KEYS))
    """Access keys to their secrets and session tokens."""
    ends: dict[str, float] = field(default_factory=dict)
    """When access keys end, in seconds since 1970; one that is not here does not."""

    def check(self, request: web.Request, data: bytes, service: str) -> str:
        """The access key that asks, "" for the bearer token. Raises `Refusal`."""
        given = request.headers.get("authorization")
        if given is None:
            raise failing("MissingAuthenticationTokenException", "Missing Authentication Token")
        if given.startswith("Bearer "):
            return self._check_bearer(given)
        found = AUTHORIZATION.fullmatch(given)
        if found is None or found["key"] not in self.keys:
            raise unknown_key()
        key = found["key"]
        secret, token = self.keys[key]
        self._check_life(request, key, token)
        check_scope(found, self.region, service)
        check_clock(request, found["day"])
        check_signed(request, found["headers"].split(";"), data)
        signer = SigV4Auth(Credentials(key, secret, token), service, self.region)
        if signature_of(request, found["headers"], data, signer) != found["signature"]:
            raise wrong_signature()
        return key

    def _check_bearer(self, given: str) -> str:
        if given != f"Bearer {self.bearer}":
            raise failing(
                "AccessDeniedException",
                "Authentication failed: Please make sure your API Key is valid.",
            )
        return ""

    def _check_life(self, request: web.Request, key: str, token: str | None) -> None:
        if request.headers.get("x-amz-security-token") != token:
            raise unknown_key()
        if self.ends.get(key, float("inf")) <= time.time():
            raise expired_key()


def check_scope(found: re.Match[str], region: str, service: str) -> None:
    """A signature is for one service in one region."""
    if found["region"] != region:
        raise wrong_signature("Credential should be scoped to a valid region.")
    if found["service"] != service:
        raise wrong_signature(f"Credential should be scoped to correct service: '{service}'.")


def check_clock(request: web.Request, day: str) -> None:
    """A signature is for a few minutes."""
    stamp = request.headers.get("x-amz-date", "")
    try:
        sent = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise wrong_signature("Date must be in ISO-8601 'basic format'.") from None
    if not stamp.startswith(day):
        raise wrong_signature("Date in Credential scope does not match YYYYMMDD from ISO-8601.")
    if sent < time.time() - SKEW:
        raise wrong_signature(f"Signature expired: {stamp} is now earlier than 5 min. ago")
    if sent > time.time() + SKEW:
        raise wrong_signature(f"Signature not yet current: {stamp} is still later than in 5 min.")


def check_signed(request: web.Request, names: list[str], data: bytes) -> None:
    """Nothing that matters was left unsigned, and the body is the one that was signed."""
    needed = {"host", *(name.lower() for name in request.headers if is_amazons(name))}
    if needed - set(names) or any(name not in request.headers for name in names):
        raise wrong_signature("'Host' and 'x-amz-*' must be a 'SignedHeader' in Authorization.")
    claimed = request.headers.get("x-amz-content-sha256")
    if claimed not in {None, "UNSIGNED-PAYLOAD", hashlib.sha256(data).hexdigest()}:
        raise wrong_signature()


def is_amazons(name: str) -> bool:
    return name.lower().startswith("x-amz-")


def signature_of(request: web.Request, names: str, data: bytes, signer: SigV4Auth) -> str:
    """The signature that this request must have, by botocore itself."""
    signed = {name: request.headers[name] for name in names.split(";")}
    url = f"http://{request.headers['host']}{request.raw_path}"
    aws = AWSRequest(request.method, url, data=data, headers=signed)
    aws.context["timestamp"] = request.headers["x-amz-date"]
    canonical = signer.canonical_request(aws)
    return str(signer.signature(signer.string_to_sign(aws, canonical), aws))
