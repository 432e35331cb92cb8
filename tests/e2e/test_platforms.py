"""`make image PLATFORMS=...` with the builder that is here: one name, an image for each platform.

No emulator runs the steps of another platform here: it is tried with a Dockerfile that runs none.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "build-image"
IMAGE = "localhost/airouter-platforms:test"
RECIPE = "FROM scratch AS router\nCOPY LICENSE /\n"


def test_one_name_has_an_image_for_amd64_and_one_for_arm64(tmp_path: Path) -> None:
    if shutil.which("buildah") is None:  # asked now: the node of the tests before installs it
        pytest.skip("the node of another has the images")
    recipe = tmp_path / "Dockerfile"
    recipe.write_text(RECIPE)
    environment = {
        **os.environ,
        "BUILDER": "buildah",
        "PLATFORMS": "linux/amd64,linux/arm64",
        "IMAGE_FLAGS": f"--file {recipe}",
    }
    try:
        subprocess.run([SCRIPT, "router", IMAGE], env=environment, check=True, timeout=600)
        found = json.loads(buildah("manifest", "inspect", IMAGE))
        platforms = {each["platform"]["architecture"] for each in found["manifests"]}
        assert platforms == {"amd64", "arm64"}
    finally:
        buildah("manifest", "rm", IMAGE)


def buildah(*arguments: str) -> str:
    told = subprocess.run(
        ["buildah", *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    return told.stdout
