"""What people copy from `manifests/samples/` is accepted, by the API server and by the router."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from airouter.config.loader import load_config
from airouter.config.providers import PROVIDER_TYPES
from airouter.config.resource.routerkey import RouterKeySpec
from support.control_plane import ControlPlane

SAMPLES = Path(__file__).parents[2] / "manifests" / "samples"
KEY = SAMPLES / "keys" / "routerkey.yaml"
FILES = sorted(path for path in SAMPLES.glob("*.yaml") if path.stem != "kustomization")


async def test_the_api_server_accepts_every_sample(plane: ControlPlane) -> None:
    applied = await plane.kubectl("apply", "--server-side", "-k", str(SAMPLES), "-o", "name")
    assert len(applied.splitlines()) == len(FILES)


async def test_the_api_server_accepts_the_routerkey_of_a_team(plane: ControlPlane) -> None:
    await plane.kubectl("apply", "--server-side", "-f", str(KEY))


def test_the_routerkey_of_a_team_has_nothing_wrong_in_it_and_names_a_sample() -> None:
    spec = RouterKeySpec.model_validate(yaml.safe_load(KEY.read_text())["spec"])
    assert spec.router.name in [path.stem for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_sample_has_nothing_wrong_in_it(path: Path) -> None:
    assert load_config(yaml.safe_load(path.read_text())).findings == ()


def test_there_is_a_sample_of_every_type() -> None:
    declared = {
        credential["type"]
        for path in FILES
        for credential in yaml.safe_load(path.read_text())["spec"]["credentials"]
    }
    assert declared == set(PROVIDER_TYPES)
