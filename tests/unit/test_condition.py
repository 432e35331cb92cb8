"""The state of the router as a whole, and the reasons that are told for it."""

from __future__ import annotations

from typing import Any

from support.config import manifest
from support.http_client import http_client
from support.in_loop import Served, served


def two_tiers(**mock: Any) -> str:
    best: dict[str, Any] = {"name": "best", "type": "Mock", "mock": mock}
    credentials = [best, {"name": "spare", "type": "Mock"}]
    backends = [{"credential": "best"}, {"credential": "spare", "priority": 2}]
    alone = {"name": "alone", "backends": [{"credential": "spare"}]}
    return manifest(credentials, [{"name": "m", "backends": backends}, alone])


async def state_of(router: Served) -> tuple[str, list[str]]:
    health = (await router.client.get("/health")).json()
    return health["state"], health["reasons"]


async def ban(router: Served, credential: str) -> None:
    assert (await router.client.post(f"/admin/bans/{credential}")).status_code == 200


async def test_all_is_well_while_every_model_has_its_first_tier() -> None:
    async with served(two_tiers()) as router:
        assert await state_of(router) == ("ok", [])


async def test_a_model_without_its_first_tier_is_degraded_and_the_router_stays_ready() -> None:
    async with served(two_tiers(), health_names=True) as router:
        await ban(router, "best")
        state, reasons = await state_of(router)
        assert state == "degraded"
        assert "1 model is answered by a lower tier: m" in reasons
        assert "1 credential cannot be called: best" in reasons
        assert (await router.client.get("/vhealth")).status_code == 200


async def test_a_model_that_nobody_can_answer_is_down() -> None:
    async with served(two_tiers(), health_names=True) as router:
        await ban(router, "spare")
        state, reasons = await state_of(router)
        assert (state, reasons[0]) == ("down", "1 model is out of reach: alone")
        await ban(router, "best")
        assert "no credential can be called" in (await state_of(router))[1]


async def test_a_model_whose_fallbacks_answer_is_not_down() -> None:
    credentials = [{"name": "one", "type": "Mock"}, {"name": "two", "type": "Mock"}]
    models: list[dict[str, Any]] = [
        {"name": "m", "backends": [{"credential": "one"}], "fallbacks": ["n"]},
        {"name": "n", "backends": [{"credential": "two"}]},
    ]
    async with served(manifest(credentials, models)) as router:
        await ban(router, "one")
        assert await state_of(router) == (
            "degraded",
            ["1 model is left to fallbacks", "1 credential cannot be called"],
        )


async def test_strangers_are_told_no_names() -> None:
    async with served(two_tiers()) as router:
        await ban(router, "best")
        reasons = (await state_of(router))[1]
        assert reasons == ["1 model is answered by a lower tier", "1 credential cannot be called"]


async def test_a_provider_that_asks_for_patience_has_its_tier_left_out() -> None:
    async with served(two_tiers(errorPercent=100, errorStatus=503)) as router:
        for _ in range(2):
            await router.chat(model="m")
        assert (await state_of(router))[0] == "ok"  # a rest of a second may be chance
        for backend in router.router.loads["best"].resting.values():
            backend.ask(backend.until, 60.0)
        assert await state_of(router) == ("degraded", ["1 model is answered by a lower tier"])


async def test_an_old_configuration_is_degraded_and_none_at_all_is_down() -> None:
    async with served(None) as router:
        assert (await state_of(router))[0] == "down"
        router.offer(two_tiers())
        assert not router.offer("nonsense: [")
        state, reasons = await state_of(router)
        assert (state, len(reasons)) == ("degraded", 1)
        assert "refused" in reasons[0]


async def test_errors_of_the_configuration_are_degraded() -> None:
    broken = {"name": "n", "backends": [{"credential": "gone"}]}
    async with served(None) as router:
        router.offer(manifest([{"name": "c", "type": "Mock"}], [broken]))
        assert (await state_of(router))[0] != "ok"


async def test_metrics_tell_the_state() -> None:
    async with served(two_tiers()) as router:
        await ban(router, "best")
        async with http_client(base_url=router.client.base_url) as stranger:
            lines = (await stranger.get("/metrics")).text.splitlines()
        assert [line for line in lines if line.startswith("airouter_state{")] == [
            'airouter_state{state="ok"} 0.0',
            'airouter_state{state="degraded"} 1.0',
            'airouter_state{state="down"} 0.0',
        ]
