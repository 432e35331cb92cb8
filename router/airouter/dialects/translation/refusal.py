"""Refusals of what a model cannot do, in the client's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.dialects.conversation import Unsupported

CODE = "unsupported_parameter"
OF_EVERY_REQUEST = frozenset({"input", "messages"})
"""Fields that no request can do without."""


def unsupported_failure(unsupported: Unsupported, model: str, names: Mapping[str, str]) -> Failure:
    """Return a 400 that names the model and the field; `names` has the client's names of fields."""
    field = names.get(unsupported.field, unsupported.field)
    message = (
        f"The model '{model}' {unsupported.why}. Leave '{field}' out of the request, or let the "
        "router drop it (parameters.drop of the model)."
    )
    if "[" in field or field in OF_EVERY_REQUEST:
        message = f"The model '{model}' {unsupported.why} (in '{field}')."
    return Failure(400, message, param=field, code=CODE)
