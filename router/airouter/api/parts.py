"""The objects that endpoints work with, found by the application that a request came to.

So the endpoints themselves are made once in a process, however many applications it has: FastAPI
takes most of a millisecond to analyse the parameters of each.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airouter.api.asgi import DOOR

if TYPE_CHECKING:
    from fastapi import Request

    from airouter.admission import Admission
    from airouter.api.document import ApiDocument
    from airouter.api.health import State
    from airouter.api.vhealth import HealthSite
    from airouter.auth import Principal
    from airouter.endpoint import Endpoint
    from airouter.interfaces import Serve
    from airouter.pipeline import Pipeline
    from airouter.responses.service import ResponsesService

Scrape = Callable[[str], Awaitable[tuple[bytes, str]]]
"""Maps an `Accept` header to metrics and their content type."""
ServeEndpoint = Callable[["Endpoint"], "Serve"]
"""Maps an endpoint to the function that answers its requests."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The objects that the endpoints of one application work with."""

    pipeline: Pipeline
    admission: Admission
    state: State
    site: HealthSite
    scrape: Scrape
    serve: ServeEndpoint
    responses: ResponsesService
    document: ApiDocument
    body_limit: int
    """Bytes."""
    started_at: int
    """Unix seconds, given as every model's `created`."""


def parts_of(request: Request) -> Parts:
    """Return the parts of the application that a request came to."""
    parts: Parts = request.app.state.parts
    return parts


def principal_of(request: Request) -> Principal:
    """Return who asks, and have it recorded. Raises `Failure` 401, 503."""
    principal = parts_of(request).admission.principal_of(request.headers.raw)
    request.scope[DOOR].principal = principal.name
    return principal
