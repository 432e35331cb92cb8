"""A router that the operator puts into an application's pod, because the pod says so."""

from __future__ import annotations

import json

from airouter_operator.injecting.injector import INJECT
from airouter_operator.injecting.sidecar import CONTAINER, TOKEN_FOLDER
from e2e.test_sidecar import ASK
from support.resources import MASTER_KEY, Object, secret
from support.site import OPERATOR_NAME, Site

IMAGE = "docker.io/library/auto-ai-router:e2e"
WAITING = ["/opt/airouter/bin/python", "-c", "import signal; signal.pause()"]
LABELS = {"app": "shop", INJECT: "default"}


def application() -> Object:
    """A Deployment that knows nothing of routers but its key and a label."""
    key = {"secretKeyRef": {"name": "app-key", "key": "key"}}
    app = {
        "name": "app",
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "command": WAITING,
        "env": [{"name": "OPENAI_API_KEY", "valueFrom": key}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    user = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop"},
        "spec": {
            "selector": {"matchLabels": {"app": "shop"}},
            "template": {
                "metadata": {"labels": LABELS},
                "spec": {"securityContext": user, "containers": [app]},
            },
        },
    }


async def until_asked(site: Site) -> None:
    """Wait until the API server asks the operator: kube-proxy comes after Ready pods."""
    template = application()["spec"]["template"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        **template,
        "metadata": {"name": "a", "labels": LABELS},
    }
    containers = "jsonpath={.spec.initContainers[*].name}"
    create = ("create", "--dry-run=server", "-o", containers, "-f", "-")

    async def asked() -> bool:
        return CONTAINER in (await site.kubectl(*create, stdin=json.dumps(pod))).split()

    await site.until(asked, "a router in a pod")


async def test_an_application_with_a_label_calls_a_router_in_its_own_pod(site: Site) -> None:
    await site.install(operator__injector={"enabled": True})
    await site.kubectl("rollout", "status", f"deployment/{OPERATOR_NAME}", "--timeout=120s")
    await until_asked(site)
    await site.apply(application(), secret("app-key", key=MASTER_KEY))
    await site.kubectl("rollout", "status", "deployment/shop", "--timeout=120s")
    python = ("/opt/airouter/bin/python", "-c")
    app = ("exec", "deployment/shop", "-c", "app", "--", *python)
    assert '"echo"' in await site.kubectl(*app, ASK)

    look = f"import os; print(os.path.exists('/etc/airouter'), os.listdir('{TOKEN_FOLDER}'))"
    absent, token = (await site.kubectl(*app, look)).split(maxsplit=1)
    assert absent == "False"
    assert "token" in token
    router = ("exec", "deployment/shop", "-c", CONTAINER, "--", *python)
    assert (
        await site.kubectl(*router, f"import os; print(os.listdir('{TOKEN_FOLDER}'))")
    ) == "[]\n"

    await site.kubectl("delete", "deployment", "shop", "--wait=true")
    await site.install()
