"""From nothing to an answer."""

from __future__ import annotations

import openai

from support.resources import MASTER_KEY
from support.site import OPERATOR, ROUTERS, Site


async def test_the_official_sdk_is_answered_through_the_service(site: Site) -> None:
    base_url = f"{await site.url()}/v1"
    async with openai.AsyncOpenAI(base_url=base_url, api_key=MASTER_KEY) as client:
        whole = await client.chat.completions.create(
            model="echo", messages=[{"role": "user", "content": "Hello"}]
        )
        assert whole.choices[0].message.content == "Hello"
        stream = await client.chat.completions.create(
            model="echo", messages=[{"role": "user", "content": "Hello you"}], stream=True
        )
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
        assert "".join(pieces) == "Hello you"
        assert {model.id async for model in client.models.list()} == {"echo", "slow"}


async def test_no_pod_of_a_router_has_a_token_or_a_right(site: Site) -> None:
    for pod in await site.pods(ROUTERS):
        assert pod["spec"]["automountServiceAccountToken"] is False
        mounts = [m["mountPath"] for c in pod["spec"]["containers"] for m in c["volumeMounts"]]
        assert not [path for path in mounts if "serviceaccount" in path]
        account = f"system:serviceaccount:{site.namespace}:{pod['spec']['serviceAccountName']}"
        answer = await site.kubectl("auth", "can-i", "get", "secrets", "--as", account, check=False)
        assert answer.strip() == "no"


async def test_the_namespace_may_be_restricted(site: Site) -> None:
    label = "pod-security.kubernetes.io/enforce=restricted"
    await site.kubectl("label", "--overwrite", "namespace", site.namespace, label)
    for selector in (ROUTERS, OPERATOR):
        before = await site.pods(selector)
        await site.kubectl("delete", "pod", before[0]["metadata"]["name"])
    await site.until_ready()
    await site.until_programmed()
