"""The OpenAPI document of an application.

It says nothing of what is configured. Its paths are the application's; bodies, answers and examples
are in `openapi.yaml`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

if TYPE_CHECKING:
    from fastapi import FastAPI

Json = dict[str, Any]


class ApiDocument:
    """The document, which is made when somebody asks for it first."""

    def __init__(self, application: FastAPI) -> None:
        self._application = application
        self._making = asyncio.Lock()
        self._made: bytes | None = None

    async def read(self) -> bytes:
        """Return the document as JSON, made once and beside the event loop."""
        async with self._making:
            if self._made is None:
                self._made = await asyncio.to_thread(document_of, self._application)
        return self._made


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
