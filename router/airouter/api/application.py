"""The FastAPI application: every endpoint in one OpenAPI document.

The hot paths are here too, for the requests that `edge/` declines; both ways lead into the same
pipeline.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from airouter import __version__
from airouter.api.asgi import (
    DOOR,
    REQUEST_ID,
    AdmittedBodies,
    AsgiExchange,
    PipelineResponse,
    RequestIds,
    read_exchange,
)
from airouter.api.bans import add_bans
from airouter.api.begun_in_turns import BegunInTurns
from airouter.api.conversations import add_conversations
from airouter.api.cross_origin import CrossOrigin
from airouter.api.document import ApiDocument
from airouter.api.documentation import ASSET_PATHS, add_documentation
from airouter.api.endpoints import CHAT, ENDPOINTS, MESSAGES
from airouter.api.errors import error_headers
from airouter.api.models import get_model, list_models
from airouter.api.operations import add_health, add_site
from airouter.api.parts import Parts, parts_of, principal_of
from airouter.api.paths import MeantPaths
from airouter.api.recorded import Recorded
from airouter.api.responses import add_responses
from airouter.api.usage import add_usage
from airouter.api.vhealth import KEYLESS
from airouter.attempts.headers import VERSION_HEADER
from airouter.failures import Failure, drop_frames, internal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from random import Random

    from starlette.routing import BaseRoute

    from airouter.admission import Admission
    from airouter.api.health import State
    from airouter.api.parts import Scrape, ServeEndpoint
    from airouter.api.vhealth import HealthSite
    from airouter.endpoint import Endpoint
    from airouter.eventloop.turns import Turns
    from airouter.pipeline import Pipeline
    from airouter.responses.service import ResponsesService

TITLE = "Auto AI Router"
BY_PATH = {endpoint.path: endpoint for endpoint in ENDPOINTS}


def build_application(
    pipeline: Pipeline,
    state: State,
    site: HealthSite,
    scrape: Scrape,
    admission: Admission,
    turns: Turns,
    *,
    beginning: Turns,
    serve: ServeEndpoint,
    responses: ResponsesService,
    body_limit: int,
    started_at: int,
    random: Random,
) -> FastAPI:
    """Build the application. `started_at` is Unix seconds, given as every model's `created`.

    Requests begin in the turns of `beginning`; large bodies are worked on in those of `turns`.
    """
    application = FastAPI(
        title=TITLE,
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )

    application.state.parts = Parts(
        pipeline=pipeline,
        admission=admission,
        state=state,
        site=site,
        scrape=scrape,
        serve=serve,
        responses=responses,
        document=ApiDocument(application),
        body_limit=body_limit,
        started_at=started_at,
    )
    application.router.routes.extend(all_routes())
    add_errors(application)
    application.add_middleware(MeantPaths)
    keyless = KEYLESS | ASSET_PATHS
    application.add_middleware(AdmittedBodies, admission=admission, turns=turns, keyless=keyless)
    application.add_middleware(RequestIds, random=random)
    application.add_middleware(CrossOrigin, admission=admission)
    application.add_middleware(Recorded, admission=admission)
    application.add_middleware(BegunInTurns, turns=beginning)
    return application


@cache
def all_routes() -> Sequence[BaseRoute]:
    """Return every endpoint, made once for all applications of the process."""
    routes = APIRouter()
    add_endpoints(routes)
    add_responses(routes)
    add_conversations(routes)
    add_models(routes)
    add_bans(routes)
    add_usage(routes)
    add_health(routes)
    add_site(routes)
    add_documentation(routes)
    return routes.routes


def add_endpoints(routes: APIRouter) -> None:
    """Add the hot paths, over ASGI."""

    def route_of(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def route(request: Request) -> Response:
            parts = parts_of(request)
            answer = parts.serve(endpoint)
            try:
                exchange = await read_exchange(request, parts.body_limit)
            except Failure as failure:  # answered by the pipeline, which records it
                nothing = AsgiExchange(dict(request.headers.raw), b"")
                return PipelineResponse(nothing, partial(answer, refusal=failure))
            return PipelineResponse(exchange, answer)

        return route

    for endpoint in ENDPOINTS:
        routes.post(endpoint.path, tags=[endpoint.dialect], name=endpoint.api)(route_of(endpoint))


def add_models(routes: APIRouter) -> None:
    """Add `/v1/models`; a model's name may have slashes in it."""

    @routes.get("/v1/models", tags=["OpenAI"])
    async def models(request: Request) -> dict[str, Any]:
        principal = principal_of(request)
        parts = parts_of(request)
        return list_models(
            parts.pipeline.current().snapshot,
            principal,
            parts.started_at,
            request.query_params,
            anthropic=speaks_anthropic(request),
        )

    # `path`, because a name such as meta-llama/Llama-3 has slashes.
    @routes.get("/v1/models/{name:path}", tags=["OpenAI"])
    async def model(name: str, request: Request) -> dict[str, Any]:
        principal = principal_of(request)
        parts = parts_of(request)
        return get_model(
            parts.pipeline.current().snapshot,
            principal,
            name,
            parts.started_at,
            anthropic=speaks_anthropic(request),
        )


def speaks_anthropic(request: Request) -> bool:
    """Return True for a request in the manner of Anthropic's SDK."""
    return VERSION_HEADER.decode() in request.headers


def add_errors(application: FastAPI) -> None:
    """Add handlers that answer failures, unknown paths and wrong methods in the path's dialect."""

    async def on_failure(request: Request, error: Exception) -> Response:
        response = error_response(error if isinstance(error, Failure) else internal(), request)
        if isinstance(error, Failure):  # any other is raised again, for the log
            drop_frames(error)
        return response

    async def on_http_error(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        failure = http_failure(status, request.method, request.url.path)
        response = error_response(failure, request)
        if isinstance(error, HTTPException) and error.headers:
            response.headers.update(error.headers)
        return response

    application.add_exception_handler(Failure, on_failure)
    application.add_exception_handler(HTTPException, on_http_error)
    application.add_exception_handler(Exception, on_failure)


def http_failure(status: int, method: str, path: str) -> Failure:
    """Return the failure for a request that the framework's router refused."""
    if status == 404 or path == "/":  # which is a page for GET: anything else has lost its path
        hint = "" if path.startswith("/v1/") else ": base_url must end in /v1"
        return Failure(404, f"Invalid URL ({method} {path}){hint}", code="unknown_url")
    if status == 405:
        return Failure(405, f"Not allowed to {method} on {path}.", code="method_not_allowed")
    return Failure(status, "The request could not be served.", code="bad_request")


def error_response(failure: Failure, request: Request) -> Response:
    """Return a failure as a response of the framework."""
    endpoint = BY_PATH.get(request.url.path, MESSAGES if speaks_anthropic(request) else CHAT)
    failure.request_id = request.scope.get(REQUEST_ID)
    if DOOR in request.scope:
        request.scope[DOOR].error = failure.code or failure.type
    response = Response(endpoint.error_body(failure), endpoint.error_status(failure))
    for name, value in error_headers(failure):
        response.headers[name.decode()] = value.decode()
    return response
