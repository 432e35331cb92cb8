"""The state of the router as a whole, and the reasons that are told for it."""

from __future__ import annotations

import re
from typing import Any

import pytest

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


async def test_a_router_without_a_model_is_degraded() -> None:
    async with served(manifest([], [])) as router:
        assert await state_of(router) == ("degraded", ["there is no model to ask for"])


ONE, TWO = ({"name": name, "type": "Mock"} for name in ("one", "two"))
FALLBACK = [
    {"name": "m", "backends": [{"credential": "one"}], "fallbacks": ["n"]},
    {"name": "n", "backends": [{"credential": "two"}]},
]
NOBODY = {"name": "n", "backends": [{"credential": "gone"}]}


@pytest.mark.parametrize(
    ("configured", "banned", "offered", "expected"),
    [
        pytest.param(None, [], [], "down", id="nothing came yet"),
        pytest.param(two_tiers(), [], [], "ok", id="all is well"),
        pytest.param(two_tiers(), ["best"], [], "degraded", id="one is banned"),
        pytest.param(two_tiers(), ["best", "spare"], [], "down", id="all are banned"),
        pytest.param(manifest([ONE, TWO], FALLBACK), ["one"], [], "degraded", id="fallback only"),
        pytest.param(manifest([ONE], [NOBODY]), [], [], "down", id="nobody answers for a model"),
        pytest.param(manifest([ONE], []), [], [], "degraded", id="no model"),
        pytest.param(two_tiers(), [], ["nonsense: ["], "degraded", id="an old configuration"),
        pytest.param(two_tiers(), [], [two_tiers()], "ok", id="a configuration came again"),
        pytest.param(two_tiers(errorPercent=100), ["spare"], [], "down", id="one of two is left"),
    ],
)
async def test_page_json_and_metric_tell_the_same_state(
    configured: str | None, banned: list[str], offered: list[str], expected: str
) -> None:
    async with served(configured) as router:
        for each in offered:
            router.offer(each)
        for credential in banned:
            await ban(router, credential)
        client = router.client
        answers = [
            (await client.get(path, headers={"accept": "application/json"})).json()
            for path in ("/health", "/vhealth")
        ]
        page = (await client.get("/vhealth", headers={"accept": "text/html"})).text
        metrics = (await client.get("/metrics")).text
    assert [answer["state"] for answer in answers] == [expected] * 2
    level = {"ok": "ok", "degraded": "warn", "down": "bad"}[expected]
    assert f'<span class="pill {level}">{expected}</span>' in page
    assert re.findall(r'airouter_state\{state="(\w+)"\} 1.0', metrics) == [expected]
    for reason in answers[0]["reasons"]:
        assert reason[1:] in page


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
