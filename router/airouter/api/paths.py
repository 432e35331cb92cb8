"""The paths that clients ask for, by other spellings than the router's own.

A client has the path from its SDK and from the `base_url` that somebody set: with `/v1` twice or
not at all, with a slash too many, or as Azure's SDK has it, which names the model in the path
(`/openai/deployments/{name}/chat/completions`) or not (`/openai/v1/...`). What can mean one
endpoint alone is served as that; `edge/` knows the own spelling only, so all others come by ASGI.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from airouter.api.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

ROOT = "/v1"
DEPLOYMENT = "airouter.deployment"
"""The key of a scope for the model that a path names."""
SLASHES = re.compile("/{2,}")
PREFIXES = re.compile("(?:/v1|/openai)+(?=/)")
OF_DEPLOYMENT = re.compile(
    "/deployments/(?P<name>.+?)"
    "(?P<tail>/chat/completions|/completions|/embeddings|/images/generations)"
)
TAILS = frozenset(endpoint.path.removeprefix(ROOT) for endpoint in ENDPOINTS)
COLLECTIONS = re.compile("/(?:models|responses|conversations)(?:/.+)?")


class Meant(NamedTuple):
    """A path as the router spells it, and the model that it names."""

    path: str
    deployment: str | None = None


def meant_by(path: str) -> Meant:
    """Return what a path means; one that could be anything is returned as it is."""
    plain = SLASHES.sub("/", path).rstrip("/")
    prefix = PREFIXES.match(plain)
    tail = plain[prefix.end() :] if prefix else plain
    found = OF_DEPLOYMENT.fullmatch(tail)
    if found is not None:
        return Meant(ROOT + found["tail"], found["name"])
    if tail in TAILS or COLLECTIONS.fullmatch(tail):
        return Meant(ROOT + tail)
    return Meant(path)


def with_model(body: bytes, name: str) -> bytes:
    """Return an object with a model as its last field, which is the one that counts.

    What is no object is returned as it is, to be refused as that.
    """
    inner = body.strip()
    if not (inner.startswith(b"{") and inner.endswith(b"}")):
        return body
    comma = b"" if inner[1:-1].isspace() or len(inner) == 2 else b","
    return b'%b%b"model":%b}' % (inner[:-1], comma, msgspec.json.encode(name))


class MeantPaths:
    """Has every request routed by what its path means."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with the path that is meant."""
        meant = meant_by(scope.get("path", ""))
        if meant.path != scope.get("path", ""):
            scope["path"], scope["raw_path"] = meant.path, meant.path.encode()
            scope[DEPLOYMENT] = meant.deployment
        await self._app(scope, receive, send)
