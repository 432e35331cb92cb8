"""The CRD of RouterKeys and its pydantic models say the same, and refuse the same."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from airouter.config.documents import documents
from airouter.config.findings import path_text
from airouter.config.resource.routerkey import RouterKeySpec
from support.crd import Sample, accepted_keys, rejected_keys
from support.crd.mirror import differences, expected
from support.crd.schema import KEYS, nodes, spec_schema, violations

ACCEPTED = accepted_keys()
REJECTED = rejected_keys()


def spec_of(sample: Sample) -> dict[str, Any]:
    """The spec of a sample as the operator reads it."""
    (only,) = documents(sample.text)
    spec: dict[str, Any] = only.root.value["spec"]
    return spec


def wrong_fields(sample: Sample) -> list[str]:
    """The fields that the models find wrong."""
    try:
        RouterKeySpec.model_validate(spec_of(sample))
    except ValidationError as error:
        return [path_text(("spec", *each["loc"])) for each in error.errors()]
    return []


def test_the_crd_and_the_models_say_the_same() -> None:
    assert differences(spec_schema(KEYS), expected(RouterKeySpec)) == []


@pytest.mark.parametrize("sample", ACCEPTED, ids=lambda sample: sample.name)
def test_a_good_key_is_accepted(sample: Sample) -> None:
    assert wrong_fields(sample) == []
    assert list(violations(spec_schema(KEYS), spec_of(sample))) == []


@pytest.mark.parametrize("sample", REJECTED, ids=lambda sample: sample.name)
def test_a_bad_key_is_refused_by_its_field(sample: Sample) -> None:
    wrong = wrong_fields(sample)
    assert wrong
    assert [field for field in wrong if not field.startswith(sample.field)] == []
    broken = [each.field for each in violations(spec_schema(KEYS), spec_of(sample))]
    assert [field for field in broken if not field.startswith(sample.field)] == []


def test_every_field_is_set_in_a_good_key() -> None:
    used = {place for sample in ACCEPTED for place in places_in(spec_of(sample))}
    assert {place for place, _ in nodes(spec_schema(KEYS))} - used == set()


def places_in(value: Any, place: str = "spec") -> set[str]:
    """Every place of the schema that a value uses."""
    found = {place}
    if isinstance(value, dict):
        return found.union(*(places_in(inner, f"{place}.{name}") for name, inner in value.items()))
    if isinstance(value, list):
        return found.union(*(places_in(inner, f"{place}[]") for inner in value))
    return found
