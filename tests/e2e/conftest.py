"""A cluster, our images in it, and the chart installed by Helm."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.elsewhere import Elsewhere
from support.kubernetes.binaries import binaries
from support.kubernetes.node import cluster
from support.kubernetes.node.images import base_image, save
from support.kubernetes.node.node import Node
from support.resources import MASTER_KEY, routerconfig, secret
from support.site import OPERATOR, TAG, Site

ROOT = Path(__file__).parents[2]
IMAGES = {"router": "auto-ai-router", "operator": "auto-ai-router-operator"}
NAMESPACE = "airouter-e2e"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
PIP = f"[global]\ncert = {AUTHORITIES.with_suffix('.host')}\n"
MOCK = {"name": "mock", "type": "Mock"}
SLOW = {
    "name": "slow",
    "type": "Mock",
    "mock": {"reply": "tokens:600", "tokensPerSecond": 20},
}


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node | Elsewhere:
    """What KUBECONFIG names, or a node of this machine with the images of this checkout.

    A node of this machine is left running. Elsewhere `E2E_REGISTRY`, `E2E_TAG` and
    `E2E_PULL_POLICY` say where the images are.
    """
    if kubeconfig := os.environ.get("KUBECONFIG"):
        return Elsewhere(Path(kubeconfig))
    node = cluster.up()
    folder = tmp_path_factory.mktemp("images")
    base_image(binaries().cache)
    for target, name in IMAGES.items():
        node.load_image(built(target, name, folder))
    return node


def built(target: str, name: str, folder: Path) -> Path:
    """An image as `make image` builds it, in a file."""
    image, archive = f"docker.io/library/{name}:{TAG}", folder / f"{name}.tar"
    subprocess.run(
        [ROOT / "scripts" / "build-image", target, image],
        env={**os.environ, "BUILDER": "buildah", "IMAGE_FLAGS": build_flags(folder)},
        check=True,
        timeout=900,
    )
    save(image, archive)
    return archive


def build_flags(folder: Path) -> str:
    """buildah without user namespaces, and pip behind this machine's own authorities."""
    pip = folder / "pip.conf"
    pip.write_text(PIP)
    mounts = ((AUTHORITIES, AUTHORITIES.with_suffix(".host")), (pip, Path("/etc/pip.conf")))
    volumes = [f"--volume {source}:{target}:ro" for source, target in mounts]
    return " ".join(["--isolation chroot", "--layers", "--pull=never", *volumes])


@pytest.fixture
async def site(node: Node | Elsewhere) -> AsyncIterator[Site]:
    """The chart as it is by default, with one RouterConfig that every pod serves.

    What its operator logged is shown with a test that fails.
    """
    site = Site(node, NAMESPACE)
    await site.install()
    config = routerconfig(MOCK, SLOW, models={"echo": "mock", "slow": "slow"})
    await site.apply(config, secret("keys", master=MASTER_KEY))
    # Applying merges lists by name; a merge patch takes away what another test has added.
    config["spec"]["auth"]["clients"] = None
    await site.patch("rcfg/default", {"spec": config["spec"]})
    await site.until_ready()
    await site.until_programmed()
    yield site
    print(await site.kubectl("logs", "-l", OPERATOR, "--tail=100", check=False))  # noqa: T201
