"""`/openapi.json`, and `/docs`, which shows it by Swagger UI: without a key, and without a network.

The document says nothing of what is configured. Its paths are the application's; bodies, answers
and examples are in `openapi.yaml`. The files of Swagger UI come from a package, through this
process, under a policy that lets the page ask this router alone.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import yaml
from fastapi.responses import FileResponse, HTMLResponse, Response

from airouter.failures import Failure
from airouter.web.page import hash_source

if TYPE_CHECKING:
    from fastapi import FastAPI

Json = dict[str, Any]

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


def add_documentation(application: FastAPI) -> None:
    """Add the document, its page, and what that is made of."""
    making = asyncio.Lock()
    made: list[bytes] = []

    @application.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        async with making:  # once, and beside the event loop
            if not made:
                made.append(await asyncio.to_thread(document_of, application))
        return Response(made[0], media_type="application/json")

    @application.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(PAGE, headers={"content-security-policy": POLICY})

    @application.get("/docs/{name}", include_in_schema=False)
    async def asset(name: str) -> Response:
        kind = ASSETS.get(name)
        if kind is None:
            raise Failure(404, "There is no such file.", code="unknown_url")
        return FileResponse(asset_folder() / name, media_type=kind, headers={"cache-control": DAY})


@lru_cache(maxsize=1)
def asset_folder() -> Path:
    """Return the folder with the files of Swagger UI."""
    return Path(str(files("fastapi_offline"))) / "static"


def document_of(application: FastAPI) -> bytes:
    """Return the document of an application."""
    return msgspec.json.encode(completed(application.openapi()))


def completed(document: Json) -> Json:
    """Return a document with what `openapi.yaml` knows of its endpoints."""
    known: Json = yaml.safe_load((Path(__file__).parent / "openapi.yaml").read_text("utf-8"))
    # In place of FastAPI's own, which are of an answer with 422: none is given.
    document["components"] = known["components"]
    document["security"] = [{name: []} for name in known["components"]["securitySchemes"]]
    for path, methods in known["endpoints"].items():
        for method, facts in methods.items():
            describe_operation(document["paths"][path][method], facts)
    return document


def describe_operation(operation: Json, facts: Json) -> None:
    """Add the facts of an endpoint to its operation."""
    operation["summary"] = facts["summary"]
    if facts.get("public"):
        operation["security"] = []
    operation.setdefault("parameters", []).extend(
        {"name": name, "in": "query", "schema": schema}
        for name, schema in facts.get("query", {}).items()
    )
    if "body" in facts:
        content = {"schema": facts["body"], "example": facts["example"]}
        is_required = bool(facts["body"].get("required"))
        operation["requestBody"] = {
            "required": is_required,
            "content": {"application/json": content},
        }
    success: Json = {"description": "The answer."}
    if "response" in facts:
        success["content"] = {"application/json": {"schema": facts["response"]}}
    if facts.get("events"):
        success["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    operation["responses"] = {"200": success}
    if not facts.get("public"):
        reference = {"$ref": f"#/components/schemas/{facts.get('error', 'OpenAIError')}"}
        error = {"application/json": {"schema": reference}}
        operation["responses"]["default"] = {"description": "An error.", "content": error}
