"""What people and the API server read in the CRD, beside what it demands."""

from __future__ import annotations

import re

import pytest
from pydantic import BaseModel

import airouter
from airouter.config.resource import API_VERSION, KIND, Client, Fail2ban, Retries
from airouter.config.resource.routerkey import ROUTER_KEY_KIND
from support.crd.schema import (
    CONFIGS,
    INT_OR_STRING,
    KEYS,
    LIST_TYPE,
    MAP_KEYS,
    PRESERVE,
    definition,
    kind_of,
    nodes,
    root_schema,
    spec_schema,
    version,
)

STANDARD = {
    f"{root}.{field}" for root in ("object", "key") for field in ("apiVersion", "kind", "metadata")
}
FREE = r"object\.spec\.models\[\]\.parameters\.(defaults|override)(\.stream_options)?"
BOUNDS = {
    "string": {"maxLength", "enum"},
    "array": {"maxItems"},
    "integer": {"minimum"},
    "number": {"minimum"},
    "boolean": {"type"},
    "object": {"properties", "maxProperties"},
    INT_OR_STRING: {"minimum"},
}
EVERYTHING = [
    (place, node)
    for plural, root in ((CONFIGS, "object"), (KEYS, "key"))
    for place, node in nodes(root_schema(plural), root)
    if place not in STANDARD
]
both = pytest.mark.parametrize("plural", [CONFIGS, KEYS])
NAMED = [
    (place, node)
    for place, node in EVERYTHING
    if kind_of(node) == "object" or not place.endswith(("[]", "{}"))
]
"""All but the values of lists and mappings, which the list or mapping describes."""


def test_every_property_says_in_sentences_what_it_is() -> None:
    said = re.compile(r"[A-Za-z][^\n]*\.(\n.*)?", re.DOTALL)
    assert [place for place, node in NAMED if not said.fullmatch(node["description"])] == []


def test_nothing_is_without_a_bound() -> None:
    assert [place for place, node in EVERYTHING if not BOUNDS[kind_of(node)] & node.keys()] == []


def test_only_single_values_have_a_default() -> None:
    defaults = {place: node.get("default") for place, node in EVERYTHING}
    assert [place for place, value in defaults.items() if isinstance(value, dict | list)] == []


def test_nothing_inside_a_list_has_a_default() -> None:
    """kubectl would say "configured" at every apply, and Argo CD would never be in sync."""
    defaults = [place for place, node in EVERYTHING if "default" in node]
    assert [place for place in defaults if "[]" in place] == []
    assert len(defaults) >= 15


def test_only_free_json_has_unknown_fields() -> None:
    free = {place for place, node in EVERYTHING if PRESERVE in node}
    assert free == {place for place, _ in EVERYTHING if re.fullmatch(FREE, place)}


def test_every_list_says_what_its_items_are_to_one_another() -> None:
    for place, node in EVERYTHING:
        if kind_of(node) == "array":
            assert node[LIST_TYPE] in {"map", "set", "atomic"}, place
            assert set(node.get(MAP_KEYS, [])) <= set(node["items"].get("required", [])), place


@pytest.mark.parametrize(
    ("part", "name", "place"),
    [
        (Retries, "on_status", "spec.resilience.retries.onStatus"),
        (Fail2ban, "status_codes", "spec.resilience.fail2ban.statusCodes"),
        (Client, "models", "spec.auth.clients[].models"),
    ],
)
def test_the_default_of_a_list_is_described(part: type[BaseModel], name: str, place: str) -> None:
    items = ", ".join(map(str, part.model_fields[name].default))
    description = dict(nodes(spec_schema()))[place]["description"]
    assert re.search(f"Default:? {re.escape(items)}", description)


def test_it_is_known_by_the_names_of_the_design() -> None:
    spec = definition()["spec"]
    names = spec["names"]
    assert (f"{spec['group']}/{version()['name']}", names["kind"]) == (API_VERSION, KIND)
    assert definition()["metadata"]["name"] == f"{names['plural']}.{spec['group']}"
    assert (names["shortNames"], names["categories"]) == (["rcfg"], ["airouter"])
    assert spec["scope"] == "Namespaced"


def test_a_key_is_known_by_the_names_of_the_design() -> None:
    spec = definition(KEYS)["spec"]
    names = spec["names"]
    kind = (f"{spec['group']}/{version(KEYS)['name']}", names["kind"])
    assert kind == (API_VERSION, ROUTER_KEY_KIND)
    assert definition(KEYS)["metadata"]["name"] == f"{names['plural']}.{spec['group']}"
    assert (names["shortNames"], names["categories"]) == (["rkey"], ["airouter"])
    assert spec["scope"] == "Namespaced"


@both
def test_it_has_one_version_with_a_status_of_its_own(plural: str) -> None:
    assert (version(plural)["served"], version(plural)["storage"]) == (True, True)
    assert version(plural)["subresources"] == {"status": {}}


@both
def test_it_says_to_which_release_it_belongs(plural: str) -> None:
    annotations = definition(plural)["metadata"]["annotations"]
    assert annotations["airouter.dev/bundle-version"] == airouter.__version__


def test_its_columns_are_few_and_end_with_the_age() -> None:
    columns = version()["additionalPrinterColumns"]
    shown = [column["name"] for column in columns if not column.get("priority")]
    assert shown == ["Ready", "Models", "Credentials", "Pods", "Snapshot", "Age"]
    wide = [column["name"] for column in columns if column.get("priority")]
    assert wide == ["Reason", "Message", "PartiallyInvalid"]


def test_the_columns_of_a_key_are_few_and_end_with_the_age() -> None:
    columns = version(KEYS)["additionalPrinterColumns"]
    shown = [column["name"] for column in columns if not column.get("priority")]
    assert shown == ["Ready", "Prefix", "Spent", "Remaining", "Expires", "Router", "Age"]
    wide = [column["name"] for column in columns if column.get("priority")]
    assert wide == ["Reason", "Message", "Rotates", "Last Used"]


@both
def test_its_columns_show_fields_that_there_are(plural: str) -> None:
    known = {place.removeprefix("object") for place, _ in nodes(root_schema(plural), "object")}
    for column in version(plural)["additionalPrinterColumns"]:
        path = re.sub(r"\[\?\(.*\)\]", "[]", column["jsonPath"])
        assert path in known or path == ".metadata.creationTimestamp"
