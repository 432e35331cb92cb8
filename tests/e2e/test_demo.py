"""The demo: one `helm install`, and the commands that it prints."""

from __future__ import annotations

import base64

import openai

from support.site import RELEASE, Site


async def test_one_install_is_enough_for_an_answer(site: Site) -> None:
    demo = Site(site.node, "airouter-demo")
    await demo.install(demo__enabled=True, crds__install=False)
    job = f"job/{RELEASE}-auto-ai-router-demo-1"
    await demo.kubectl("wait", "--for=condition=Complete", job, "--timeout=120s")
    await demo.until_ready()
    await demo.until_programmed(f"{RELEASE}-auto-ai-router-demo")
    data = (await demo.get("secret", f"{RELEASE}-auto-ai-router-demo"))["data"]
    key = base64.b64decode(data["master"]).decode()
    async with openai.AsyncOpenAI(base_url=f"{await demo.url()}/v1", api_key=key) as client:
        answer = await client.chat.completions.create(
            model="mock-echo", messages=[{"role": "user", "content": "Hello!"}]
        )
    assert answer.choices[0].message.content == "Hello!"
    await demo.helm("uninstall", RELEASE)
    await demo.kubectl("wait", "--for=delete", "rcfg", "--all", "--timeout=120s")
    await demo.kubectl("delete", "namespace", demo.namespace, "--wait=false")
