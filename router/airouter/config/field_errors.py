"""Explains pydantic's errors to the author of a manifest: what is wrong and how to mend it.

pydantic's own messages are for developers and may repeat a value, which may be a key; these do not.
`loader.py` makes findings of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from airouter.config.findings import FieldProblem, choice, likely
from airouter.config.foreign_words import own_word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic import ValidationError
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

MOST_EXPLAINED = 1000
UNEXPLAINED = ("is not valid", "")

STRING = "use a string, in quotes if it looks like a number"
TYPES = {
    "string_type": STRING,
    "string_unicode": STRING,
    "int_type": "use a whole number",
    "int_from_float": "use a whole number",
    "float_type": "use a number",
    "bool_type": "use true or false",
    "list_type": "use a list",
    "dict_type": "use a mapping",
    "model_type": "use a mapping",
}
KINDS = {
    "NoneType": "null",
    "bool": "a boolean",
    "int": "a number",
    "float": "a number",
    "str": "a string",
    "list": "a list",
    "dict": "a mapping",
}
"""JSON's names for the types of Python."""

FROM_CONTEXT: dict[str, Callable[[dict[str, Any]], tuple[str, str]]] = {
    "greater_than": lambda ctx: ("is too small", f"use more than {ctx['gt']:g}"),
    "greater_than_equal": lambda ctx: ("is too small", f"use {ctx['ge']:g} or more"),
    "less_than_equal": lambda ctx: ("is too large", f"use {ctx['le']:.10g} or less"),
    "too_long": lambda ctx: ("has too many entries", f"use at most {ctx['max_length']}"),
    "too_short": lambda ctx: ("has too few entries", f"use at least {ctx['min_length']}"),
    "string_too_long": lambda ctx: ("is too long", f"use at most {ctx['max_length']} characters"),
    "string_too_short": lambda ctx: ("is too short", f"use at least {ctx['min_length']}"),
    "literal_error": lambda ctx: ("is not a known value", f"use one of: {values(ctx['expected'])}"),
    "mistake": lambda ctx: (ctx["what"], ctx["fix"]),
}


def problems_in(error: ValidationError, root: type[BaseModel]) -> Iterator[FieldProblem]:
    """Yield every problem that pydantic found in a document; a flood is not explained."""
    for number, details in enumerate(error.errors(include_url=False)):
        # A suggestion compares names, which takes long for thousands of unknown fields.
        what, fix = explain(details, root) if number < MOST_EXPLAINED else UNEXPLAINED
        yield FieldProblem(tuple(step for step in details["loc"] if step != "[key]"), what, fix)


def explain(details: ErrorDetails, root: type[BaseModel]) -> tuple[str, str]:
    """Return what is wrong and how to mend it."""
    kind = details["type"]
    if kind in TYPES:
        found = type(details["input"]).__name__
        return f"is {KINDS.get(found, found)}", TYPES[kind]
    if kind in FROM_CONTEXT:
        return FROM_CONTEXT[kind](details["ctx"])
    if kind == "missing":
        return "is required", description(root, details["loc"])
    if kind == "extra_forbidden":
        return "is not a known field", suggestion(root, details["loc"])
    return UNEXPLAINED


def values(expected: str) -> str:
    """Return the values in pydantic's list, `'a', 'b' or 'c'`."""
    return expected.replace(" or ", ", ").replace("'", "")


def suggestion(root: type[BaseModel], loc: tuple[str | int, ...]) -> str:
    """Offer the field that another router's word means or that an unknown one resembles, or all."""
    names = sorted(map(str, fields_by_alias(model_at(root, loc[:-1]))))
    word = str(loc[-1])[:64]
    own = own_word(word, names)
    return f"use {own}" if own else likely(word, names) or choice(names, most=20)


def description(root: type[BaseModel], loc: tuple[str | int, ...]) -> str:
    """Return the remedy for an absent field: its description."""
    field = fields_by_alias(model_at(root, loc[:-1]))[loc[-1]]
    return f"add it: {str(field.description).rstrip('.')}"


def model_at(root: type[BaseModel], loc: tuple[str | int, ...]) -> type[BaseModel]:
    """Return the innermost model on the way to a place in a document."""
    model = root
    for step in loc:
        field = fields_by_alias(model).get(step)
        if field is not None:
            model = next(models_in(field.annotation), model)
    return model


def fields_by_alias(model: type[BaseModel]) -> dict[str | int, FieldInfo]:
    """Return a model's fields by their names in YAML."""
    return {str(field.alias): field for field in model.model_fields.values()}


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models in an annotation such as `list[Model] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    else:
        for argument in get_args(annotation):
            yield from models_in(argument)
