"""`airouter schema`: what editors show is what the router takes."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from airouter.commands.schema import manifest_schema
from support.commands import Airouter
from support.full_manifest import FULL_YAML

SAMPLES = sorted((Path(__file__).parents[3] / "manifests" / "samples").rglob("*.yaml"))
SCHEMA = json.loads(manifest_schema())


def errors(document: object) -> list[str]:
    return [error.message for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(document)]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_every_sample_is_valid(sample: Path) -> None:
    documents = [each for each in yaml.safe_load_all(sample.read_text()) if "spec" in each]
    assert [errors(each) for each in documents] == [[]] * len(documents)


def test_a_manifest_with_every_field_is_valid() -> None:
    assert [errors(each) for each in yaml.safe_load_all(FULL_YAML)] == [[]] * 5


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("weight: 1\n", "wieght: 1\n"),
        ("type: OpenAI\n", "type: OpenAl\n"),
        ("connect: 5s", "connect: 5"),
        ("rpm: 500", "rpm: 0"),
    ],
)
def test_a_mistake_is_underlined(was: str, now: str) -> None:
    assert was in FULL_YAML
    assert errors(next(yaml.safe_load_all(FULL_YAML.replace(was, now, 1)))) != []


def test_it_is_printed_whole(airouter: Airouter) -> None:
    assert json.loads(airouter("schema").output) == SCHEMA
