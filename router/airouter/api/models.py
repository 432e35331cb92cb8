"""`GET /v1/models`: what a key may ask for. Aliases are accepted, not listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airouter.failures import model_not_found

if TYPE_CHECKING:
    from airouter.auth import Principal
    from airouter.config.snapshot import Model, Snapshot


def list_models(snapshot: Snapshot, principal: Principal, created: int) -> dict[str, Any]:
    """OpenAI's list object of the models that a principal may use; `created` is Unix seconds."""
    models = [model_object(m, created) for m in snapshot.models if principal.may_use(m.name)]
    return {"object": "list", "data": models}


def get_model(snapshot: Snapshot, principal: Principal, name: str, created: int) -> dict[str, Any]:
    """One model, by its name or an alias. Raises `Failure` 404."""
    for model in snapshot.models:
        if (name == model.name or name in model.aliases) and principal.may_use(model.name):
            return model_object(model, created)
    raise model_not_found(name)


def model_object(model: Model, created: int) -> dict[str, Any]:
    """OpenAI's model object."""
    return {
        "id": model.name,
        "object": "model",
        "created": created,
        "owned_by": model.metadata.owned_by or "airouter",
    }
