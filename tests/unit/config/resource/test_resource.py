"""The resource as a whole: what people read in it."""

import pytest
from pydantic import BaseModel

from airouter.config.resource import RouterConfig, Secret
from support.manifests import parts_of

EVERY_PART = parts_of(RouterConfig, Secret)


@pytest.mark.parametrize("part", EVERY_PART, ids=lambda part: str(part.__name__))
def test_every_field_says_what_it_is(part: type[BaseModel]) -> None:
    silent = [name for name, field in part.model_fields.items() if not field.description]
    assert silent == []


def test_fields_are_spelled_as_in_kubernetes() -> None:
    names = {field.alias for part in EVERY_PART for field in part.model_fields.values()}
    assert {"baseURL", "roleARN", "caSecretRef", "fail2ban", "urlSecretRef", "firstByte"} <= names
    assert not [name for name in names if name is None or "_" in name]
