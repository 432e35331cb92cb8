"""kubeconform, with the schemas of a real API server and of our CRDs.

kubeconform fetches schemas from the internet; these are made of the OpenAPI document that the API
server itself shows, so they are those of the very version that tests run on. As with its own strict
ones, a field that a schema does not name is refused.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from chart.rendering import FOREIGN
from support.kubernetes.apiserver import ApiServer
from support.kubernetes.binaries import binaries
from support.kubernetes.crd import CRDS

Schema = dict[str, Any]

DRAFT = "http://json-schema.org/draft-04/schema#"
PLACE = "{{.ResourceKind}}{{.KindSuffix}}.json"
"""How kubeconform finds the file of a schema: `role-rbac-v1.json`."""
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
KINDS = "x-kubernetes-group-version-kind"
UNKNOWN_FIELDS = "x-kubernetes-preserve-unknown-fields"
INT_OR_STRING = "x-kubernetes-int-or-string"
LEFT_OUT = {"default", "description", "format"}
SECONDS = 120


class Kubeconform:
    """The program, and a folder of schemas."""

    def __init__(self, api: ApiServer, folder: Path) -> None:
        """Write the schemas of every kind that the API server serves, and of our own."""
        self._folder = folder
        document = json.loads(api.kubectl("get", "--raw", "/openapi/v2"))
        for name, schema in (*served(document["definitions"]), *declared()):
            (folder / name).write_text(json.dumps(schema))

    def problems(self, *files: Path) -> list[str]:
        """What is wrong with the objects of some files."""
        options = ["-strict", "-output=json", f"-skip={','.join(sorted(FOREIGN))}"]
        place = f"-schema-location={self._folder}/{PLACE}"
        done = subprocess.run(
            [binaries().path("kubeconform"), *options, place, *files],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        found = json.loads(done.stdout)["resources"]
        assert bool(found) == bool(done.returncode), done.stderr
        return [f"{each['kind']} {each['name']}: {each['msg']}" for each in found]


def served(definitions: Mapping[str, Schema]) -> Iterator[tuple[str, Schema]]:
    """The name and content of a file for each kind of an OpenAPI document."""
    strict = {name: strictly(definition) for name, definition in definitions.items()}
    strict[QUANTITY] = {"type": ["string", "number"]}
    for name, definition in definitions.items():
        for kind in definition.get(KINDS, ()):
            used = {each: strict[each] for each in reached(name, strict)}
            reference = {"$ref": f"#/definitions/{name}"}
            schema = {"$schema": DRAFT, "allOf": [reference], "definitions": used}
            yield file_name(kind["group"], kind["version"], kind["kind"]), schema


def declared() -> Iterator[tuple[str, Schema]]:
    """The same for each kind of our CRDs."""
    for path in sorted(CRDS.glob("*.yaml")):
        crd = yaml.safe_load(path.read_text())["spec"]
        for version in crd["versions"]:
            schema = strictly(version["schema"]["openAPIV3Schema"])
            schema["properties"]["metadata"] = {"type": "object"}
            name = file_name(crd["group"], version["name"], crd["names"]["kind"])
            yield name, {"$schema": DRAFT, **schema}


def file_name(group: str, version: str, kind: str) -> str:
    """As `PLACE` has it."""
    parts = [kind.lower(), group.partition(".")[0], version.lower()]
    return "-".join(filter(None, parts)) + ".json"


def strictly(schema: Schema) -> Schema:
    """A schema of OpenAPI as JSON Schema, that takes no field which it does not name."""
    if schema.get("format") == "int-or-string" or schema.get(INT_OR_STRING):
        return {"type": ["integer", "string"]}
    found = {
        name: value
        for name, value in schema.items()
        if name not in LEFT_OUT and not name.startswith("x-")
    }
    if "properties" in found:
        found["properties"] = {n: strictly(each) for n, each in found["properties"].items()}
        if not schema.get(UNKNOWN_FIELDS):
            found.setdefault("additionalProperties", False)
    for place in ("items", "additionalProperties"):
        if isinstance(found.get(place), dict):
            found[place] = strictly(found[place])
    return found


def reached(name: str, definitions: Mapping[str, Schema]) -> set[str]:
    """The definitions that one refers to, itself among them."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(references(definitions[name]))
    return found


def references(schema: Schema) -> Iterator[str]:
    """The names of the definitions that a schema refers to."""
    if "$ref" in schema:
        yield schema["$ref"].rpartition("/")[2]
    below = [schema.get("items"), schema.get("additionalProperties")]
    for each in (*below, *schema.get("properties", {}).values()):
        if isinstance(each, dict):
            yield from references(each)
