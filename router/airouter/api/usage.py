"""`GET /v1/usage`: what a client may use, what it has used, and when that begins anew.

A client is told of itself alone; the master key is told of all, or of one by `?client=`.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import Request, Response

from airouter.api.parts import parts_of, principal_of
from airouter.bookkeeping.window import STEPS_PER_SECOND, step_of
from airouter.config.snapshot import tenant_of
from airouter.eventloop.parts import in_parts
from airouter.failures import Failure, master_only, truncated
from airouter.limits.budgets.budget_state import budget_json, state_of

if TYPE_CHECKING:
    from fastapi import APIRouter

    from airouter.bookkeeping.limit_counter import LimitCounter
    from airouter.limits import Scope
    from airouter.limits.budgets.budget_scope import BudgetScope
    from airouter.limits.shared_limits import SharedLimits


def add_usage(routes: APIRouter) -> None:
    """Add the endpoint."""

    @routes.get("/v1/usage", tags=["Operations"])
    async def usage(request: Request, client: str | None = None) -> Response:
        principal = principal_of(request)
        parts = parts_of(request)
        limits = parts.state.shared_limits
        if not principal.is_master:
            if client is not None:
                raise master_only()
            own = await usage_of_one(limits, principal.name, principal.tenant, tells_all=False)
            return as_response(own)
        parts.pipeline.current()
        if client is None:
            return as_response(await usage_of_all(limits))
        found = limits.clients.find(tenant_of(client))
        if found is None:
            raise no_client(client)
        return as_response(await usage_of_one(limits, client, found.tenant, tells_all=True))


def as_response(content: bytes) -> Response:
    """Return JSON as an answer."""
    return Response(content, media_type="application/json")


async def usage_of_one(limits: SharedLimits, name: str, tenant: str, *, tells_all: bool) -> bytes:
    """Return what a client has used, as the ledger knows it now, as JSON."""
    await limits.budgets.look(limits.budgets.of(tenant))
    return msgspec.json.encode(client_json(limits, name, tenant, tells_all=tells_all))


async def usage_of_all(limits: SharedLimits) -> bytes:
    """Return what all clients have used, those included that this process knows by a token.

    Some clients at a time, as there may be thousands.
    """
    clients = list(limits.clients)
    scopes: dict[BudgetScope, None] = {}
    async for some in in_parts(clients):
        for each in some:
            scopes.update(dict.fromkeys(limits.budgets.of(each.tenant)))
    await limits.budgets.look(list(scopes))
    told: list[bytes] = []
    async for some in in_parts(clients):
        for each in some:
            content = client_json(limits, each.name, each.tenant, tells_all=True)
            told.append(msgspec.json.encode(content))
    return b'{"object":"list","data":[%b]}' % b",".join(told)


def client_json(limits: SharedLimits, name: str, tenant: str, *, tells_all: bool) -> dict[str, Any]:
    """Return what one client has used."""
    budgets = limits.budgets.of(tenant)
    return {
        "object": "usage",
        "client": name,
        "limits": [
            told for scope in limits.limiter.own_scopes(tenant) if (told := limits_json(scope))
        ],
        "budgets": [
            budget_json(state_of(each), is_own=tells_all or each.kind == "client")
            for each in budgets
        ],
    }


def limits_json(scope: Scope) -> dict[str, Any]:
    """Return what is left of the limits of a minute; empty without any."""
    counters = (("requests", scope.requests), ("tokens", scope.tokens))
    told = {name: counter_json(each) for name, each in counters if each is not None}
    return {"scope": scope.kind, "name": scope.name, **told} if told else {}


def counter_json(counter: LimitCounter) -> dict[str, Any]:
    """Return what is left of one limit, beside what is reserved."""
    step = step_of(monotonic())
    left = max(0, counter.room(step))
    seconds = counter.until_idle(step) / STEPS_PER_SECOND
    used = counter.limit - left
    return {"limit": counter.limit, "used": used, "remaining": left, "reset_seconds": seconds}


def no_client(name: str) -> Failure:
    """A name that no client has."""
    return Failure(404, f"There is no client '{truncated(name)}'.", code="unknown_client")
