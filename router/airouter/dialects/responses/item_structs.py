"""Items, tools and choices of tools as structs.

The body has them as JSON, since their types decide which struct each is.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from airouter.dialects.checking import wrong_field

T = TypeVar("T")


def as_struct(item: Any, kind: type[T], at: str) -> T:
    """Return JSON as a struct. Raises `Failure` 400 with its path from the top."""
    try:
        return msgspec.convert(item, kind)
    except msgspec.ValidationError as error:
        failure = wrong_field(error)
    path = f"{at}.{failure.param}" if failure.param else at
    failure.message = f"'{path}': {failure.message}"
    failure.param = path
    raise failure
