"""Items and tools as structs: the body itself has them as JSON, for their types tell them apart."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from airouter.dialects.checking import wrong_field

T = TypeVar("T")


def as_struct(item: Any, kind: type[T], at: str) -> T:
    """An item as a struct. Raises `Failure` 400 with its path from the top."""
    try:
        return msgspec.convert(item, kind)
    except msgspec.ValidationError as error:
        failure = wrong_field(error)
    path = f"{at}.{failure.param}" if failure.param else at
    failure.message = f"'{path}': {failure.message}"
    failure.param = path
    raise failure
