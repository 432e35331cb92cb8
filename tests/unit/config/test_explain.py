import pytest
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from airouter.config.explain import explain, problems


class Inner(BaseModel):
    size: int
    colour: str = ""


class Outer(BaseModel):
    inner: list[Inner] | None = None
    when: complex = 0j


def told(document: object) -> list[tuple[object, ...]]:
    with pytest.raises(ValidationError) as refused:
        Outer.model_validate(document)
    return [tuple(problem) for problem in problems(refused.value, Outer)]
