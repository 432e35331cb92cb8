"""A team gives itself a key of a router, by a resource of its own."""

from __future__ import annotations

import base64

from openai import AsyncOpenAI, AuthenticationError, NotFoundError, RateLimitError

from support.site import Site, models

KEY = {
    "apiVersion": "airouter.dev/v1alpha1",
    "kind": "RouterKey",
    "metadata": {"name": "checkout"},
    "spec": {"router": {"name": "default"}, "models": ["echo"], "limits": {"rpm": 2}},
}
HELLO = [{"role": "user", "content": "Hello!"}]


async def value(site: Site, name: str) -> str:
    """A value of the key's Secret."""
    found = await site.get("secret/checkout")
    return base64.b64decode(found["data"][name]).decode()


async def test_a_team_has_a_key_that_its_grant_allows_and_loses_it(site: Site) -> None:
    grant = {"name": "teams", "namespaces": {"names": [site.namespace]}, "models": ["echo", "slow"]}
    await site.patch("rcfg/default", {"spec": {"auth": {"grants": [grant]}}})
    try:
        await site.apply(KEY)
        await site.kubectl("wait", "--for=condition=Ready", "rkey/checkout", "--timeout=120s")
        key, url = await value(site, "OPENAI_API_KEY"), await site.url()
        assert "/v1" in await value(site, "OPENAI_BASE_URL")
        assert key not in await site.kubectl("get", "rkey,rcfg,events", "-o", "yaml")
        async with AsyncOpenAI(api_key=key, base_url=f"{url}/v1", max_retries=0) as client:
            # A leader that is new grants nothing for a while, and says for how long.
            patient = client.with_options(max_retries=20)
            answers = [
                await patient.chat.completions.create(model="echo", messages=HELLO)  # type: ignore[arg-type]
                for _ in range(2)
            ]
            assert all(answer.choices[0].message.content for answer in answers)
            for model, refusal in (("slow", NotFoundError), ("echo", RateLimitError)):
                try:
                    for _ in range(8):
                        await client.chat.completions.create(model=model, messages=HELLO)  # type: ignore[arg-type]
                except refusal:
                    continue
                raise AssertionError(f"{model} was not refused with {refusal.__name__}")
            await site.kubectl("delete", "rkey/checkout")

            async def refused() -> bool:
                try:
                    await client.models.list()
                except AuthenticationError:
                    return True
                return False

            await site.until(refused, "the key to be refused")
        assert await models(url) == ["echo", "slow"]
    finally:
        await site.kubectl("delete", "rkey/checkout", "--ignore-not-found")
        await site.patch("rcfg/default", {"spec": {"auth": {"grants": None}}})
