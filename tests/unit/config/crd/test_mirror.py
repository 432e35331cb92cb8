"""The CRD and the pydantic models say the same, place by place.

The comparison itself is tried too: whatever is changed in either of them has to be noticed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from annotated_types import Le
from pydantic import BaseModel

from airouter.config.resource import LONGEST_NAME, Credential, Spec
from support.crd.mirror import differences, expected
from support.crd.schema import RULES, Schema, nodes, root_schema, spec_schema
from support.manifests import parts_of

DECLARED = dict(nodes(spec_schema()))
MODELLED = dict(nodes(expected()))
FIELDS = [(part, name) for part in parts_of(Spec) for name in part.model_fields]


def test_the_crd_and_the_models_say_the_same() -> None:
    assert differences(spec_schema(), expected()) == []


def test_the_name_of_the_object_leaves_room_for_that_of_its_secret() -> None:
    name = root_schema()["properties"]["metadata"]["properties"]["name"]
    assert name["maxLength"] == LONGEST_NAME


@pytest.mark.parametrize("place", DECLARED)
def test_a_change_of_the_crd_is_noticed(place: str) -> None:
    unnoticed = [
        what
        for what, changed in changes_of(DECLARED[place])
        if not differences(changed, MODELLED[place], place)
    ]
    assert unnoticed == []


def changes_of(node: Schema) -> Iterator[tuple[str, Schema]]:
    """Everything that can be done to a schema."""
    for keyword in node.keys() - {"description", "properties"}:
        yield f"without {keyword}", without(node, keyword)
        yield f"another {keyword}", {**node, keyword: altered(node[keyword])}
    for name in node.get("properties", {}):
        yield f"without {name}", {**node, "properties": without(node["properties"], name)}
    for keyword in ADDITIONS.keys() - node.keys():
        yield f"with {keyword}", {**node, keyword: ADDITIONS[keyword]}


def without(fields: Schema, name: str) -> Schema:
    """Fields but for one."""
    return {other: value for other, value in fields.items() if other != name}


ADDITIONS: Schema = {
    "default": "x",
    "enum": ["x"],
    "nullable": True,
    "pattern": "x",
    "maxLength": 1,
    "minimum": 1,
    "properties": {"surprise": {"type": "string"}},
    "required": ["surprise"],
    "x-kubernetes-preserve-unknown-fields": True,
    RULES: [{"rule": "false"}],
}


def altered(value: Any) -> Any:
    """Another value of the same type."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}x"
        case {"rule": rule}:
            return {"rule": f"!({rule})"}
        case [*first, last]:
            return [*first, altered(last)]
        case dict():
            return {**value, "type": altered(value.get("type", ""))}
    raise TypeError(type(value))


@pytest.mark.parametrize(("part", "name"), FIELDS, ids=lambda each: getattr(each, "__name__", each))
def test_a_change_of_a_model_is_noticed(
    part: type[BaseModel], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = part.model_fields[name]
    changes: dict[str, Any] = {"alias": "x", "default": "x"}
    if field.metadata:
        changes["metadata"] = []
    for attribute, value in changes.items():
        with monkeypatch.context() as patch:
            patch.setattr(field, attribute, value)
            assert differences(spec_schema(), expected()), attribute
    monkeypatch.delitem(part.model_fields, name)
    assert differences(spec_schema(), expected())


def test_another_bound_of_a_model_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    field = Credential.model_fields["weight"]
    monkeypatch.setattr(field, "metadata", [*field.metadata, Le(999)])
    assert differences(spec_schema(), expected()) == [
        "only the CRD has ('spec.credentials[].weight', 'maximum', '1000')",
        "only the models have ('spec.credentials[].weight', 'maximum', '999')",
    ]


def test_the_models_reach_every_part_of_the_schema() -> None:
    assert {place for place, _ in nodes(expected())} == set(DECLARED)
