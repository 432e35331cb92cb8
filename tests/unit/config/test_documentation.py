"""The user's guide says what the schema says."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from airouter.config.resource import Spec
from support.full_manifest import FULL_ENVIRON, FULL_YAML
from support.manifests import from_text, parts_of

GUIDE = Path(__file__).parents[3] / "docs" / "configuration.md"
TEXT = GUIDE.read_text(encoding="utf-8")
ENVIRON = {"OPENAI_API_KEY": "sk-1", "ROUTER_MASTER_KEY": "sk-2"}


def test_the_first_example_works_as_it_stands() -> None:
    example = next(re.finditer(r"```yaml\n(.*?)```", TEXT, re.DOTALL))[1]
    assert from_text(example, ENVIRON).findings == ()


@pytest.mark.parametrize("part", parts_of(Spec), ids=lambda part: str(part.__name__))
def test_every_field_is_in_the_guide(part: type[BaseModel]) -> None:
    words = set(re.findall(r"[A-Za-z0-9]+", TEXT))
    missing = [f.alias for f in part.model_fields.values() if f.alias not in words]
    assert missing == []


def test_a_manifest_with_every_field_is_understood() -> None:
    found = from_text(FULL_YAML, FULL_ENVIRON)
    assert [finding.field for finding in found.findings if finding.severity == "error"] == []
    assert found.snapshot is not None
