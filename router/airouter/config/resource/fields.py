"""The base of all parts of a RouterConfig, and its scalars with their grammars.

Kubernetes' habits hold: a null is an absent field, a duration is `1m30s`, a decimal is a string.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError

from airouter.config.providers import PROVIDER_TYPES, ProviderTypes

T = TypeVar("T")

DAY = 86_400.0
LARGEST = 2_147_483_647
UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
DURATION = re.compile(r"([0-9]{1,5}(h|m|s|ms)){1,4}")
AMOUNT = re.compile(r"([0-9]{1,5})(ms|h|m|s)")

DurationText = Annotated[str, Field(pattern=f"^{DURATION.pattern}$")]

BrokenRule = tuple[str, str, str]
"""The field that breaks a rule, what is wrong, and how to mend it."""


class Part(BaseModel):
    """The base of all parts: no unknown field, no guessing of types, immutable."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        hide_input_in_errors=True,
    )

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Return the part itself: pydantic would copy every default that is a part, each time."""
        return self

    @classmethod
    def broken_rules(
        cls,
        given: dict[str, Any],  # noqa: ARG003 - for subclasses
        types: ProviderTypes,  # noqa: ARG003 - for subclasses
    ) -> Iterator[BrokenRule]:
        """Yield the rules between fields that are broken; `given` is unchecked, by alias."""
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def _check(
        cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        """Check the fields and the rules between them, so that all findings come at once."""
        if not isinstance(data, dict):
            return handler(data)
        given = data
        if None in data.values():
            given = {name: value for name, value in data.items() if value is not None}
        broken = [
            InitErrorDetails(type=mistake(what, fix), loc=(name,), input=None)
            for name, what, fix in cls.broken_rules(given, types_in(info))
        ]
        # A validator after the fields would not run if a field is wrong: its findings come late.
        try:
            part = handler(given)
        except ValidationError as error:
            if not broken:
                raise
            broken = [*map(again, error.errors()), *broken]
        if broken:
            raise ValidationError.from_exception_data(cls.__name__, broken)
        return part


def types_in(info: ValidationInfo) -> ProviderTypes:
    """Return the types of providers that a document is validated with, by default all there are."""
    types: ProviderTypes | None = info.context
    return PROVIDER_TYPES if types is None else types


def mistake(what: str, fix: str) -> PydanticCustomError:
    """Return an error of our own, with its remedy."""
    return PydanticCustomError("mistake", "{what}", {"what": what, "fix": fix})


def again(error: Any) -> InitErrorDetails:
    """Return an error of pydantic's in the form in which it can be raised together with others."""
    context = error.get("ctx", {})
    # pydantic knows its own errors by their type; one of ours has to be made anew.
    known = mistake(context["what"], context["fix"]) if error["type"] == "mistake" else None
    return InitErrorDetails(
        type=known or error["type"], loc=error["loc"], input=error["input"], ctx=context
    )


@dataclass(frozen=True)
class Matching(AfterValidator):
    """A validator of a pattern, which the JSON Schema tells, too."""

    pattern: str = ""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the schema of the text, with the pattern as a whole."""
        return handler(core_schema) | {"pattern": f"^({self.pattern})$"}


def matching(pattern: str, what: str, fix: str) -> Matching:
    """Return a validator for strings that match a pattern as a whole."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise mistake(what, fix)
        return text

    return Matching(check, pattern)


def unique(of: Callable[[Any], object] = lambda item: item) -> AfterValidator:
    """Return a validator for lists without duplicates."""

    def check(items: list[T]) -> list[T]:
        if len({of(item) for item in items}) < len(items):
            raise mistake("has a duplicate entry", "list each entry once")
        return items

    return AfterValidator(check)


def duration(*, least: float, most: float) -> BeforeValidator:
    """Return a validator that turns a duration into seconds, within bounds (seconds)."""

    def check(text: object) -> float:
        if not isinstance(text, str) or not DURATION.fullmatch(text):
            raise mistake("is not a duration", "use numbers with units: 500ms, 5s, 1m30s, 2h")
        found = sum(int(amount) * UNITS[unit] for amount, unit in AMOUNT.findall(text))
        if not least <= found <= most:
            raise mistake("is out of range", f"use {spelled(least)} to {spelled(most)}")
        return found

    return BeforeValidator(check, json_schema_input_type=DurationText)


def spelled(seconds: float) -> str:
    """Return a bound as people write it."""
    if seconds >= UNITS["h"]:
        return f"{seconds / UNITS['h']:g}h"
    return f"{seconds:g}s" if seconds >= 1 or seconds == 0 else f"{seconds * 1000:g}ms"


Name = Annotated[
    str,
    matching(
        r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
        "is not a name",
        "use 1 to 63 lower-case letters, digits and hyphens, a letter or digit at both ends",
    ),
]
ObjectName = Annotated[
    str,
    Field(max_length=253),
    matching(
        r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*",
        "is not the name of a Kubernetes object",
        "use lower-case letters, digits, hyphens and dots, a letter or digit at both ends",
    ),
]
DataKey = Annotated[
    str,
    matching(
        r"[A-Za-z0-9._-]{1,253}",
        "is not a key of a Secret",
        "use 1 to 253 letters, digits, dots, hyphens and underscores",
    ),
]
ModelName = Annotated[
    str,
    matching(
        r"[A-Za-z0-9@][A-Za-z0-9/._:@-]{0,252}",
        "is not the name of a model",
        "use 1 to 253 letters, digits and / . : @ - _, a letter or digit or @ first",
    ),
]
ModelGlob = Annotated[
    str,
    matching(
        r"[A-Za-z0-9/._:@*?\[\]!-]{1,253}",
        "is not a pattern of model names",
        "use a model's name, in which * ? and [...] are wildcards, such as gpt-*",
    ),
]
UpstreamName = Annotated[
    str,
    matching(
        r"[^\x00-\x20\x7f-\xa0](?:[^\x00-\x1f\x7f-\x9f]{0,251}[^\x00-\x20\x7f-\xa0])?",
        "is not the name of a model",
        "use 1 to 253 characters, no control characters, no space at the ends",
    ),
]
Line = Annotated[
    str,
    matching(
        r"[^\x00-\x1f\x7f-\x9f]{1,253}",
        "is empty, too long or has control characters",
        "use 1 to 253 characters",
    ),
]
LabelKey = Annotated[
    str,
    matching(
        r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?",
        "is not the key of a label",
        "use 1 to 63 letters, digits, dots, hyphens and underscores, perhaps after a domain and /",
    ),
]
LabelValue = Annotated[
    str,
    matching(
        r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?",
        "is not the value of a label",
        "use at most 63 letters, digits, dots, hyphens and underscores",
    ),
]
Labels = Annotated[dict[LabelKey, LabelValue], Field(max_length=16)]
Price = Annotated[
    str,
    matching(r"[0-9]{1,7}(\.[0-9]{1,6})?", "is not a price", 'use a decimal in quotes: "2.50"'),
]
Ratio = Annotated[
    str,
    matching(r"0(\.[0-9]{1,6})?|1(\.0{1,6})?", "is not a ratio", 'use "0" to "1", in quotes'),
]
Timeout = Annotated[float, duration(least=0.001, most=DAY)]
Pause = Annotated[float, duration(least=0.0, most=3600.0)]
Period = Annotated[float, duration(least=1.0, most=30 * DAY)]
Lapse = Annotated[float, duration(least=0.0, most=30 * DAY)]
Weight = Annotated[int, Field(ge=0, le=1000)]
Priority = Annotated[int, Field(ge=0, le=1000)]
Positive = Annotated[int, Field(ge=1, le=LARGEST)]
Percent = Annotated[float, Field(ge=0, le=100)]
ErrorStatus = Annotated[int, Field(ge=400, le=599)]
