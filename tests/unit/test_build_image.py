"""`make image` asks whichever builder there is, for one platform or for several."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "build-image"
BOTH = "linux/amd64,linux/arm64"


def asked(builder: str, folder: Path, platforms: str) -> str:
    """The command line that a builder gets."""
    stand_in = folder / builder
    stand_in.write_text('#!/bin/sh\n[ "$1" = info ] || echo "$@"\n')
    stand_in.chmod(0o755)
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "BUILDER": builder,
        "PLATFORMS": platforms,
        "IMAGE_FLAGS": "--pull",
    }
    told = subprocess.check_output([SCRIPT, "router", "r:1"], env=environment, text=True)
    return told.splitlines()[-1]


@pytest.mark.parametrize("builder", ["docker", "podman", "buildah"])
def test_an_image_is_built_for_this_machine(builder: str, tmp_path: Path) -> None:
    assert asked(builder, tmp_path, "") == "build -t r:1 --pull --target router ."


@pytest.mark.parametrize(
    ("builder", "command"),
    [
        ("docker", f"buildx build -t r:1 --platform {BOTH} --pull --target router ."),
        ("podman", f"build --manifest r:1 --platform {BOTH} --pull --target router ."),
        ("buildah", f"build --manifest r:1 --platform {BOTH} --pull --target router ."),
    ],
)
def test_one_name_has_an_image_for_each_platform(
    builder: str, command: str, tmp_path: Path
) -> None:
    assert asked(builder, tmp_path, BOTH) == command
