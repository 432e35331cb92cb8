"""What people copy from `manifests/samples/` is accepted, by the API server and by the router."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from airouter.config.loader import load_config
from airouter.config.providers import PROVIDER_TYPES
from support.control_plane import ControlPlane

SAMPLES = Path(__file__).parents[2] / "manifests" / "samples"
FILES = sorted(path for path in SAMPLES.glob("*.yaml") if path.stem != "kustomization")


async def test_the_api_server_accepts_every_sample(plane: ControlPlane) -> None:
    applied = await plane.kubectl("apply", "--server-side", "-k", str(SAMPLES), "-o", "name")
    assert len(applied.splitlines()) == len(FILES)


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
