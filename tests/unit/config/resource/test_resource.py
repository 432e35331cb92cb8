"""The resource as a whole: what people read in it."""

from collections.abc import Iterator
from typing import get_args

import pytest
from pydantic import BaseModel

from airouter.config.resource import RouterConfig, Secret


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models_in(field.annotation)
    for argument in get_args(annotation):
        yield from models_in(argument)


EVERY_PART = sorted({*models_in(RouterConfig), *models_in(Secret)}, key=lambda part: part.__name__)


@pytest.mark.parametrize("part", EVERY_PART, ids=lambda part: str(part.__name__))
def test_every_field_says_what_it_is(part: type[BaseModel]) -> None:
    silent = [name for name, field in part.model_fields.items() if not field.description]
    assert silent == []


def test_fields_are_spelled_as_in_kubernetes() -> None:
    names = {field.alias for part in EVERY_PART for field in part.model_fields.values()}
    assert {"baseURL", "roleARN", "caSecretRef", "fail2ban", "urlSecretRef", "firstByte"} <= names
    assert not [name for name in names if name is None or "_" in name]
