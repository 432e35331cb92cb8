"""botocore's service model of Bedrock, as strict as the service: its own validator checks less."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import botocore.session


@cache
def service_model() -> Any:
    """The model of `bedrock-runtime`."""
    return botocore.session.Session().get_service_model("bedrock-runtime")


def problems(operation: str, body: Any) -> list[str]:
    """What the input shape of an operation has against a body; what stands in the path is left."""
    shape = service_model().operation_model(operation).input_shape
    found: list[str] = []
    in_path = {
        name for name, member in shape.members.items() if member.serialization.get("location")
    }
    walk(shape, body, "", found, without=in_path)
    return found


def walk(
    shape: Any,
    value: Any,
    at: str,
    found: list[str],
    without: frozenset[str] | set[str] = frozenset(),
) -> None:
    """Check a value and all below it."""
    if getattr(shape, "is_document_type", False):
        return
    check = CHECKS.get(shape.type_name)
    if check is not None:
        check(shape, value, at, found, without)


def structure(shape: Any, value: Any, at: str, found: list[str], without: Any) -> None:
    if not isinstance(value, dict):
        found.append(f"{at}: not an object")
        return
    found += [
        f"{at}.{name}: required"
        for name in shape.required_members
        if name not in {*value, *without}
    ]
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        found.append(f"{at}: not exactly one of a union: {sorted(value)}")
    for name, inner in value.items():
        if name not in shape.members:
            found.append(f"{at}.{name}: unknown")
        else:
            walk(shape.members[name], inner, f"{at}.{name}", found)


def listed(shape: Any, value: Any, at: str, found: list[str], _: Any) -> None:
    if not isinstance(value, list):
        found.append(f"{at}: not a list")
        return
    bounds(shape, len(value), at, found)
    for index, each in enumerate(value):
        walk(shape.member, each, f"{at}[{index}]", found)


def mapped(shape: Any, value: Any, at: str, found: list[str], _: Any) -> None:
    if not isinstance(value, dict):
        found.append(f"{at}: not an object")
        return
    bounds(shape, len(value), at, found)
    for key, each in value.items():
        walk(shape.key, key, f"{at}.{key}", found)
        walk(shape.value, each, f"{at}.{key}", found)


def text(shape: Any, value: Any, at: str, found: list[str], _: Any) -> None:
    if not isinstance(value, str):
        found.append(f"{at}: not a text")
        return
    blob = shape.type_name == "blob"
    bounds(shape, len(value) * 3 // 4 if blob else len(value), at, found)
    enum = getattr(shape, "enum", None)
    if enum and value not in enum:
        found.append(f"{at}: {value!r} is not one of {enum}")
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern.replace(r"\p{L}", r"\w"), value):
        found.append(f"{at}: {value[:50]!r} is not {pattern}")


def number(shape: Any, value: Any, at: str, found: list[str], _: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        found.append(f"{at}: not a number")
        return
    bounds(shape, value, at, found)


def whole(shape: Any, value: Any, at: str, found: list[str], without: Any) -> None:
    if isinstance(value, float):
        found.append(f"{at}: not a whole number")
    number(shape, value, at, found, without)


def boolean(_shape: Any, value: Any, at: str, found: list[str], _: Any) -> None:
    if not isinstance(value, bool):
        found.append(f"{at}: not true or false")


def bounds(shape: Any, size: float, at: str, found: list[str]) -> None:
    """`min` and `max` of a length or a number."""
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        found.append(f"{at}: {size} is less than {least}")
    if most is not None and size > most:
        found.append(f"{at}: {size} is more than {most}")


CHECKS: dict[str, Any] = {
    "structure": structure,
    "list": listed,
    "map": mapped,
    "string": text,
    "blob": text,
    "integer": whole,
    "long": whole,
    "float": number,
    "double": number,
    "boolean": boolean,
}
