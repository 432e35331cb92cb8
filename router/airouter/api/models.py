"""`GET /v1/models`: the models that a key may use. Aliases are accepted, not listed.

A request that names a version of Anthropic's API gets Anthropic's objects, in pages where it asks
for such, any other OpenAI's, which knows no pages of models.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airouter.failures import invalid_field, truncated
from airouter.routing.nearness import no_such_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airouter.auth import Principal
    from airouter.config.snapshot import Model, Snapshot

MOST_MODELS = 1000
"""Models in a page that a client may ask for."""


def list_models(
    snapshot: Snapshot,
    principal: Principal,
    created: int,
    query: Mapping[str, str],
    *,
    anthropic: bool,
) -> dict[str, Any]:
    """Return the list of models that a principal may use; `created` is Unix seconds.

    Raises `Failure` 400 for a page that there is not.
    """
    usable = [model for model in snapshot.models if principal.may_use(model.name)]
    if not anthropic:
        return {"object": "list", "data": [model_object(model, created) for model in usable]}
    page, has_more = page_of_models(usable, query)
    return {
        "data": [model_object(model, created, anthropic=True) for model in page],
        "has_more": has_more,
        "first_id": page[0].name if page else None,
        "last_id": page[-1].name if page else None,
    }


def page_of_models(
    models: Sequence[Model], query: Mapping[str, str]
) -> tuple[Sequence[Model], bool]:
    """Return a page, and whether there are more in the direction that was asked for.

    Without a limit a page has all, not Anthropic's 20: not every client asks for a second one.
    """
    after, before = query.get("after_id"), query.get("before_id")
    if after and before:
        raise invalid_field("before_id", "'before_id' must not stand beside 'after_id'.")
    limit = limit_in(query)
    if before:
        rest = models[: place_of(models, "before_id", before)]
        return rest[-limit:], len(rest) > limit
    rest = models[place_of(models, "after_id", after) + 1 :] if after else models
    return rest[:limit], len(rest) > limit


def limit_in(query: Mapping[str, str]) -> int:
    """Return how many models a page may have."""
    given = query.get("limit")
    if not given:
        return sys.maxsize
    is_number = given.isascii() and given.isdigit() and len(given) <= len(str(MOST_MODELS))
    if not (is_number and 1 <= int(given) <= MOST_MODELS):
        raise invalid_field("limit", f"'limit' must be a whole number from 1 to {MOST_MODELS}.")
    return int(given)


def place_of(models: Sequence[Model], param: str, name: str) -> int:
    """Return where the model stands that a parameter names."""
    for place, model in enumerate(models):
        if model.name == name:
            return place
    raise invalid_field(param, f"'{param}' names no model of the list: '{truncated(name)}'.")


def get_model(
    snapshot: Snapshot, principal: Principal, name: str, created: int, *, anthropic: bool
) -> dict[str, Any]:
    """Return a model, by its name or an alias. Raises `Failure` 404."""
    for model in snapshot.models:
        if (name == model.name or name in model.aliases) and principal.may_use(model.name):
            return model_object(model, created, anthropic=anthropic)
    raise no_such_model(name, snapshot.models, principal.may_use)


def model_object(model: Model, created: int, *, anthropic: bool = False) -> dict[str, Any]:
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
