"""The pydantic models accept and refuse what the CRD accepts and refuses.

The operator's tests give the same samples to a real API server.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest

from airouter.config.documents import documents
from airouter.config.findings import path_text
from airouter.config.loader import duplicates, validated
from support.crd import Sample, accepted, rejected
from support.crd.schema import (
    CHECKS,
    LIST_TYPE,
    RULES,
    Schema,
    Violation,
    bare,
    nodes,
    spec_schema,
    violations,
)

ACCEPTED = accepted()
REJECTED = rejected()
SPEC_REJECTED = [sample for sample in REJECTED if sample.field.startswith("spec.")]
DEMANDS = [*CHECKS, "required", LIST_TYPE]

by_name = pytest.mark.parametrize("sample", ACCEPTED + REJECTED, ids=lambda sample: sample.name)


@cache
def document(sample: Sample) -> dict[str, Any]:
    """A sample as the router reads it. Not to be changed."""
    (only,) = documents(sample.text)
    loaded: dict[str, Any] = only.root.value
    return loaded


def wrong_fields(sample: Sample) -> list[str]:
    """The fields that the models find wrong."""
    given = document(sample)
    problems = [*duplicates(given), *validated(given)[1]]
    return [path_text(problem.path) for problem in problems]


def broken_by(sample: Sample) -> list[Violation]:
    """What the schema finds wrong, rules in CEL apart."""
    return list(violations(spec_schema(), document(sample)["spec"]))


def is_in(field: str, other: str) -> bool:
    """Whether a field is another one, or inside it."""
    return field.startswith(other) and field[len(other) :][:1] in {"", ".", "["}


def place_of(field: str) -> str:
    """Where the schema describes a field."""
    return re.sub(r"\[[0-9]+\]", "[]", field)


@pytest.mark.parametrize("sample", ACCEPTED, ids=lambda sample: sample.name)
def test_the_models_accept_a_good_sample(sample: Sample) -> None:
    assert wrong_fields(sample) == []


@pytest.mark.parametrize("sample", REJECTED, ids=lambda sample: sample.name)
def test_the_models_refuse_a_bad_sample_and_name_its_field(sample: Sample) -> None:
    wrong = wrong_fields(sample)
    assert wrong
    assert [field for field in wrong if not is_in(field, sample.field)] == []


@pytest.mark.parametrize("sample", ACCEPTED, ids=lambda sample: sample.name)
def test_the_schema_accepts_a_good_sample(sample: Sample) -> None:
    assert broken_by(sample) == []


@pytest.mark.parametrize("sample", SPEC_REJECTED, ids=lambda sample: sample.name)
def test_the_schema_refuses_a_bad_sample_or_leaves_it_to_a_rule(sample: Sample) -> None:
    broken = broken_by(sample)
    assert [each for each in broken if not is_in(each.field, sample.field)] == []
    assert broken or any(is_in(target, place_of(sample.field)) for target in targets_of_rules())


@cache
def targets_of_rules() -> set[str]:
    """The places that a rule in CEL can find wrong."""
    return {place + target for place, node in nodes(spec_schema()) for target in rule_targets(node)}


def rule_targets(node: Schema) -> set[str]:
    """What the rules of a schema point at: a field of it, or itself."""
    return {rule.get("fieldPath", "") for rule in node.get(RULES, [])}


def kind(node: Schema) -> str:
    """A schema as text; the same bounds in two places make the same text."""
    return json.dumps(bare(node), sort_keys=True)


def test_every_sample_has_a_name_of_its_own() -> None:
    names = [sample.name for sample in ACCEPTED + REJECTED]
    assert len(set(names)) == len(names)


@by_name
def test_a_sample_is_named_as_its_object(sample: Sample) -> None:
    assert document(sample)["metadata"] == {"name": sample.name}


def test_samples_that_are_wrong_and_no_others_say_where() -> None:
    assert [sample.name for sample in ACCEPTED if sample.field] == []
    assert [sample.name for sample in REJECTED if not sample.field] == []


def test_every_field_is_set_in_a_good_sample() -> None:
    used = {place for sample in ACCEPTED for place in places_in(document(sample)["spec"])}
    known = {place for place, _ in nodes(spec_schema()) if not place.endswith("{}")}
    refused = {place for place in known if re.search(r"\.parameters\.(defaults|override)\.", place)}
    assert known - refused - used == set()


def places_in(value: Any, place: str = "spec") -> set[str]:
    """Every place of the schema that a value uses."""
    found = {place}
    if isinstance(value, dict):
        for name, inner in value.items():
            found |= places_in(inner, f"{place}.{name}")
    if isinstance(value, list):
        for inner in value:
            found |= places_in(inner, f"{place}[]")
    return found


def test_every_bound_is_broken_by_a_bad_sample() -> None:
    demands = {place: demands_of(node) for place, node in nodes(spec_schema())}
    demanded = {
        (demands[place], demand)
        for place, node in nodes(spec_schema())
        for demand in DEMANDS
        if demand in node and node[demand] != "atomic" and not is_refused_anyway(place)
    }
    broken = {
        (demands[each.place], each.keyword)
        for sample in SPEC_REJECTED
        for each in broken_by(sample)
    }
    assert sorted(demanded - broken) == []


def demands_of(node: Schema) -> str:
    """What a schema demands of a value itself, as text; the same in two places is the same text."""
    inside = {"properties", "items", "additionalProperties", RULES}
    return kind({keyword: value for keyword, value in node.items() if keyword not in inside})


def is_refused_anyway(place: str) -> bool:
    """Whether a place is only declared so that a rule can refuse it."""
    return re.search(r"\.parameters\.(defaults|override)\.", place) is not None


def test_every_rule_is_broken_by_a_bad_sample() -> None:
    left_to_rules = {place_of(sample.field) for sample in SPEC_REJECTED if not broken_by(sample)}
    wanted: dict[str, set[str]] = {}
    for place, node in nodes(spec_schema()):
        for target in rule_targets(node):
            wanted.setdefault(target + kind(node), set()).add(place + target)
    missed = [
        places
        for places in wanted.values()
        if not any(is_in(place, left) for place in places for left in left_to_rules)
    ]
    assert missed == []
