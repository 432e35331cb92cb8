"""A router in somebody else's pod, as `manifests/sidecar/` says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from support.resources import MASTER_KEY, secret
from support.site import Site

RECIPE = Path(__file__).parents[2] / "manifests" / "sidecar" / "deployment.yaml"
ASK = """
import os, urllib.request
request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/models")
request.add_header("authorization", "Bearer " + os.environ["OPENAI_API_KEY"])
print(urllib.request.urlopen(request, timeout=60).read().decode())
"""


def recipe() -> dict[str, Any]:
    """The recipe, with an application that waits, and the images of this checkout."""
    deployment: dict[str, Any] = yaml.safe_load(RECIPE.read_text())
    pod = deployment["spec"]["template"]["spec"]
    (router,), (app,) = pod["initContainers"], pod["containers"]
    router["image"] = app["image"] = "docker.io/library/auto-ai-router:e2e"
    router["imagePullPolicy"] = app["imagePullPolicy"] = "Never"
    app["command"] = ["/opt/airouter/bin/python", "-c", "import signal; signal.pause()"]
    return deployment


async def test_an_application_calls_its_own_router_and_cannot_see_the_keys(site: Site) -> None:
    await site.apply(recipe(), secret("app-key", key=MASTER_KEY))
    await site.kubectl("rollout", "status", "deployment/app-with-router", "--timeout=120s")
    assert '"echo"' in await in_app(site, ASK)

    patch = {"spec": {"models": [{"name": "new", "backends": [{"credential": "mock"}]}]}}
    await site.patch("rcfg/default", patch)
    await site.until_programmed()
    assert '"new"' in await in_app(site, ASK)

    look = "import os; print(os.path.exists('/etc/airouter'), os.path.exists('/var/run/secrets'))"
    assert (await in_app(site, look)).split() == ["False", "False"]
    await site.kubectl("delete", "deployment", "app-with-router", "--wait=true")


async def in_app(site: Site, code: str) -> str:
    """What Python says in the application's container."""
    return await site.kubectl(
        *("exec", "deployment/app-with-router", "-c", "app"),
        *("--", "/opt/airouter/bin/python", "-c", code),
    )
