"""Values that a field may have, by the structs that a body is read into, for errors to list."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import inspect

if TYPE_CHECKING:
    from collections.abc import Iterator

STEP = re.compile(r"\[[^\]]*\]|[^.\[\]]+")
"""A step of a path as msgspec writes it: `messages`, `[0]`, `role`."""
DIALECTS = 16
"""Types of bodies whose descriptions are kept, a few milliseconds each to make."""


def allowed_values(body: object, path: str) -> tuple[str, ...]:
    """Return the values of a field; none where they are not listed, or depend on other fields."""
    steps = STEP.findall(path)
    nodes = [type_of_body(body)]
    for step in steps[:-1]:
        nodes = [child for node in nodes for child in types_below(node, step)]
    if len(nodes) != 1 or not steps:
        return ()
    tags = tuple(tags_of(nodes[0], steps[-1]))
    if tags:
        return tags
    values = [value for child in types_below(nodes[0], steps[-1]) for value in literals_of(child)]
    return tuple(dict.fromkeys(values))


@lru_cache(maxsize=DIALECTS)
def type_of_body(body: object) -> inspect.Type:
    """Return the description of a type."""
    return inspect.type_info(body)


def union_members(node: inspect.Type) -> tuple[inspect.Type, ...]:
    """Return the types that a value may have one of."""
    return node.types if isinstance(node, inspect.UnionType) else (node,)


def types_below(node: inspect.Type, step: str) -> Iterator[inspect.Type]:
    """Yield the types of a field, or of the items of a list."""
    for member in union_members(node):
        if isinstance(member, inspect.ListType) and step.startswith("["):
            yield member.item_type
        elif isinstance(member, inspect.StructType):
            yield from (each.type for each in member.fields if each.encode_name == step)


def tags_of(node: inspect.Type, field: str) -> Iterator[str]:
    """Yield the tags by which the structs of a union are told apart in a field."""
    for member in union_members(node):
        if isinstance(member, inspect.StructType) and member.tag_field == field:
            yield str(member.tag)


def literals_of(node: inspect.Type) -> Iterator[str]:
    """Yield the values that are listed."""
    for member in union_members(node):
        if isinstance(member, inspect.LiteralType):
            yield from map(str, member.values)
