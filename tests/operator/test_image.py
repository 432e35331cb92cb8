"""The operator works with what its image has: a package that only routers import is not in it."""

from __future__ import annotations

import re
from importlib.metadata import distribution
from pathlib import Path

import pytest

from support.control_plane import ControlPlane

DOCKERFILE = Path(__file__).parents[2] / "Dockerfile"
CLASSES = re.compile(r"kubernetes\.(aio\.)?client\.(api|models)\..+")
"""Modules with a class for each kind of object, which `scripts/slim-venv` removes."""
BLOCKER = """
import re, sys
MISSING = {missing!r}
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name in MISSING or re.fullmatch({classes!r}, name):
            raise ModuleNotFoundError(f"{{name}} is not in the image", name=name)
sys.meta_path.insert(0, Blocker())
"""


def left_out() -> list[str]:
    """The packages that the operator's stage of the Dockerfile removes."""
    stage = DOCKERFILE.read_text().partition("AS build-operator")[2].partition("FROM")[0]
    removed = stage.partition("pip uninstall -q -y")[2].partition("&&")[0]
    return removed.replace("\\", " ").split()


def modules_of(package: str) -> set[str]:
    """Every module of a package."""
    files = [path for path in distribution(package).files or () if path.suffix == ".py"]
    return {".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in files}


async def test_the_operator_works_without_what_its_image_leaves_out(
    plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = set().union(*map(modules_of, left_out()))
    assert {"boto3", "grpc", "redis", "fastapi"} <= missing
    hook = BLOCKER.format(missing=missing, classes=CLASSES.pattern)
    (tmp_path / "sitecustomize.py").write_text(hook)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    async with plane.operator() as operator:
        await plane.kubectl("apply", "--server-side", "-f", "-", stdin=CONFIG)
        await plane.until_condition("Accepted", "True")
        assert (await operator.page("/readyz")).status_code == 200


CONFIG = """
apiVersion: airouter.dev/v1alpha1
kind: RouterConfig
metadata: {name: default}
spec:
  credentials:
  - {name: mock, type: Mock}
  - {name: bedrock, type: Bedrock, aws: {region: us-east-1}}
  - {name: vertex, type: VertexAI, gcp: {location: global}}
  models:
  - {name: mock, backends: [{credential: mock}]}
  - {name: claude, backends: [{credential: bedrock}, {credential: vertex}]}
  auth: {anonymous: Allow}
"""
