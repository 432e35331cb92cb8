"""The endpoints for operators that need no key: health, metrics, and the page at `/vhealth`.

Some monitors send HEAD.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Request, Response

from airouter.api.health import health_of
from airouter.api.parts import parts_of
from airouter.api.vhealth import EVENTS, PATH, SIGN_IN, SIGN_OUT, to_page

if TYPE_CHECKING:
    from fastapi import APIRouter


def add_health(routes: APIRouter) -> None:
    """Add what machines ask for."""

    @routes.head("/health", include_in_schema=False)
    @routes.get("/health", tags=["Operations"])
    async def health(request: Request) -> dict[str, Any]:
        return health_of(parts_of(request).state).as_json()

    @routes.head("/metrics", include_in_schema=False)
    @routes.get("/metrics", tags=["Operations"])
    async def metrics(request: Request) -> Response:
        body, content_type = await parts_of(request).scrape(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type})


def add_site(routes: APIRouter) -> None:
    """Add the page, and what it asks for."""

    @routes.get(PATH, tags=["Operations"], name="vhealth")
    @routes.head(PATH, include_in_schema=False)
    async def show(request: Request) -> Response:
        """Return whether the router is ready, and how it is."""
        return await parts_of(request).site.show(request)

    @routes.get(EVENTS, include_in_schema=False)
    async def follow(request: Request) -> Response:
        return await parts_of(request).site.follow(request)

    @routes.post(SIGN_IN, include_in_schema=False)
    async def sign_in(request: Request) -> Response:
        return await parts_of(request).site.sign_in(request)

    @routes.post(SIGN_OUT, include_in_schema=False)
    async def sign_out(request: Request) -> Response:
        return await parts_of(request).site.sign_out(request)

    @routes.get("/", include_in_schema=False)
    async def root() -> Response:
        return to_page()
