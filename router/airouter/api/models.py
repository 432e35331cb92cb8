"""`GET /v1/models`: the models that a key may use. Aliases are accepted, not listed.

A request that names a version of Anthropic's API gets Anthropic's objects, any other OpenAI's.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airouter.routing.nearness import no_such_model

if TYPE_CHECKING:
    from airouter.auth import Principal
    from airouter.config.snapshot import Model, Snapshot


def list_models(
    snapshot: Snapshot, principal: Principal, created: int, *, anthropic: bool
) -> dict[str, Any]:
    """Return the list of models that a principal may use; `created` is Unix seconds."""
    usable = [model for model in snapshot.models if principal.may_use(model.name)]
    models = [model_object(model, created, anthropic=anthropic) for model in usable]
    if not anthropic:
        return {"object": "list", "data": models}
    first, last = (usable[0].name, usable[-1].name) if usable else (None, None)
    return {"data": models, "has_more": False, "first_id": first, "last_id": last}


def get_model(
    snapshot: Snapshot, principal: Principal, name: str, created: int, *, anthropic: bool
) -> dict[str, Any]:
    """Return a model, by its name or an alias. Raises `Failure` 404."""
    for model in snapshot.models:
        if (name == model.name or name in model.aliases) and principal.may_use(model.name):
            return model_object(model, created, anthropic=anthropic)
    raise no_such_model(name, snapshot.models, principal.may_use)


def model_object(model: Model, created: int, *, anthropic: bool) -> dict[str, Any]:
    """Return a model as a client's API describes it."""
    if anthropic:
        since = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        name = {"id": model.name, "display_name": model.name}
        return {"type": "model", **name, "created_at": since}
    return {
        "id": model.name,
        "object": "model",
        "created": created,
        "owned_by": model.metadata.owned_by or "airouter",
    }
