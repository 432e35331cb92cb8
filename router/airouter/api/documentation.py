"""`/openapi.json`, and `/docs`, which shows it by Swagger UI: without a key, and without a network.

The files of Swagger UI come from a package, through this process, under a policy that lets the page
ask this router alone.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import Request  # noqa: TC002 - FastAPI reads the annotations
from fastapi.responses import FileResponse, HTMLResponse, Response

from airouter.api.parts import parts_of
from airouter.failures import Failure
from airouter.web.page import hash_source

if TYPE_CHECKING:
    from fastapi import APIRouter

ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
ASSET_PATHS = frozenset(f"/docs/{name}" for name in ASSETS)
DAY = "public, max-age=86400"
STARTER = """
window.ui = SwaggerUIBundle({
  url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true, persistAuthorization: false,
  tryItOutEnabled: true, presets: [SwaggerUIBundle.presets.apis], validatorUrl: null
});
"""
POLICY = (
    f"default-src 'none'; script-src 'self' {hash_source(STARTER)}; "
    # Swagger UI draws its icons and widths by inline styles.
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Auto AI Router: API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript; the document is at <a href="openapi.json">openapi.json</a>.
</noscript>
<script src="docs/swagger-ui-bundle.js"></script>
<script>{STARTER}</script>
</body>
</html>
"""


def add_documentation(routes: APIRouter) -> None:
    """Add the document, its page, and what that is made of."""

    @routes.get("/openapi.json", include_in_schema=False)
    async def openapi(request: Request) -> Response:
        document = await parts_of(request).document.read()
        return Response(document, media_type="application/json")

    @routes.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(PAGE, headers={"content-security-policy": POLICY})

    @routes.get("/docs/{name}", include_in_schema=False)
    async def asset(name: str) -> Response:
        kind = ASSETS.get(name)
        if kind is None:
            raise Failure(404, "There is no such file.", code="unknown_url")
        return FileResponse(asset_folder() / name, media_type=kind, headers={"cache-control": DAY})


@lru_cache(maxsize=1)
def asset_folder() -> Path:
    """Return the folder with the files of Swagger UI."""
    return Path(str(files("fastapi_offline"))) / "static"
