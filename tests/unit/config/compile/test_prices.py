"""Which price a backend has: its own, its model's, else the published one of its provider."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import Usage as PublishedUsage
from genai_prices import __version__, data_snapshot
from genai_prices.types import (
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    TimeOfDateConstraint,
)

from airouter.config.compile.prices import published_price
from airouter.config.snapshot import Price, PriceTier
from airouter.costs import PICODOLLARS, cost_of, price_list
from airouter.dialects.conversation import Usage
from support.manifests import credential, findings, model, snapshot

DAY = datetime(2026, 11, 1, tzinfo=UTC)
OPENAI = {"name": "main", "type": "OpenAI", "secretRef": {"name": "keys"}}


def price_of(**spec: Any) -> tuple[str, Price | None]:
    """The price of the first backend of the first model, and its version."""
    found = snapshot(**spec)
    version = found.models[0].tiers[0][0].price
    return version, found.prices.get(version)


def test_a_declared_price_is_that_of_all_backends_of_a_model() -> None:
    price = {
        "input": "3",
        "cachedInput": "0.30",
        "cacheWrite": "3.75",
        "cacheWrite1h": "6",
        "output": "15",
        "audioInput": "40",
        "audioOutput": "80",
        "imageInput": "8",
        "imageOutput": "32",
        "image": "0.04",
        "tiers": [{"aboveTokens": 200_000, "input": "6"}, {"aboveTokens": 500_000}],
    }
    _, found = price_of(models=[model(metadata={"price": price})])
    assert found == Price(
        "3",
        "0.30",
        "3.75",
        "6",
        "15",
        "40",
        "80",
        "8",
        "32",
        "0.04",
        (PriceTier(input="6", above_tokens=200_000), PriceTier(above_tokens=500_000)),
    )


def test_a_backends_own_price_replaces_the_whole_of_its_models() -> None:
    backends = [{"credential": "main", "price": {"output": "1"}}]
    models = [model(backends=backends, metadata={"price": {"input": "3", "output": "15"}})]
    assert price_of(models=models)[1] == Price(output="1")


def test_a_version_names_the_source_and_changes_with_the_price_alone() -> None:
    versions = [
        price_of(models=[model(metadata={"price": {"input": price}, "ownedBy": owner})])[0]
        for price, owner in (("1", "a"), ("1", "b"), ("2", "b"))
    ]
    assert versions[0] == versions[1] != versions[2]
    assert versions[0].startswith("declared-")


def test_a_price_that_nobody_declares_is_the_published_one() -> None:
    backends = [{"credential": "main", "upstreamName": "gpt-4o-2024-11-20"}]
    version, found = price_of(credentials=[OPENAI], models=[model(backends=backends)])
    assert found == Price(input="2.5", cached_input="1.25", output="10")
    assert version.startswith(f"genai-prices-{__version__}-")


def test_an_empty_price_of_a_backend_asks_for_the_published_one() -> None:
    backends = [{"credential": "main", "upstreamName": "gpt-4o", "price": {}}]
    models = [model(backends=backends, metadata={"price": {"input": "9"}})]
    assert price_of(credentials=[OPENAI], models=models)[1] == Price("2.5", "1.25", output="10")


@pytest.mark.parametrize(
    ("fields", "upstream_name", "published"),
    [
        ({"type": "Anthropic"}, "claude-sonnet-4-5-20250929", "3"),
        ({"type": "AzureOpenAI", "baseURL": "https://a.example"}, "gpt-4o", "2.5"),
        ({"type": "Gemini"}, "gemini-2.5-pro", "1.25"),
        (
            {"type": "Bedrock", "aws": {"region": "eu-central-1"}},
            "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "3.3",
        ),
        (
            {"type": "OpenAICompatible", "baseURL": "https://api.groq.com/openai/v1"},
            "llama-3.3-70b-versatile",
            "0.59",
        ),
    ],
)
def test_a_provider_is_known_by_its_type_or_else_by_its_url(
    fields: dict[str, Any], upstream_name: str, published: str
) -> None:
    given = {"name": "main", "secretRef": {"name": "keys"}, **fields}
    models = [model(backends=[{"credential": "main", "upstreamName": upstream_name}])]
    found = price_of(credentials=[given], models=models)[1]
    assert found is not None
    assert found.input == published


@pytest.mark.parametrize("url", ["https://models.example.com/v1", "http://127.0.0.1:1/v1"])
def test_a_provider_of_ones_own_has_no_published_price(url: str) -> None:
    models = [model(backends=[{"credential": "main", "upstreamName": "gpt-4o"}])]
    assert price_of(credentials=[credential(baseURL=url)], models=models) == ("", None)


def test_the_published_prices_are_not_loaded_for_those_who_need_none() -> None:
    backends = [{"credential": "main", "upstreamName": "gpt-4o"}, {"credential": "mock"}]
    models = [model(backends=backends, metadata={"price": {"input": "1"}})]
    credentials = [OPENAI, {"name": "mock", "type": "Mock"}, credential("own")]
    spec = {"credentials": credentials, "models": [*models, model("m", "mock", "own")]}
    program = (
        "import sys; from support.manifests import snapshot;"
        f"snapshot(**{spec!r}); print('genai_prices' in sys.modules)"
    )
    search = os.pathsep.join(sys.path)
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": search},
        check=True,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert ran.stdout.strip() == "False"


def test_a_backend_without_a_price_is_reported_where_that_is_refused() -> None:
    backends = [
        {"credential": "main"},
        {"credential": "main", "upstreamName": "x", "price": {"input": "1"}},
    ]
    assert findings(pricing={"unknown": "Refuse"}, models=[model(backends=backends)]) == [
        (
            "error: spec.models[name=gpt].backends[0]: has no price, which spec.pricing refuses: "
            "no request reaches it (fix: set its price, or metadata.price of the model)"
        )
    ]
    assert findings(models=[model(backends=backends)]) == []


def published(prices: ModelPrice | list[ConditionalPrice]) -> Price | None:
    return published_price(ModelInfo(id="m", match=None, prices=prices), DAY)  # type: ignore[arg-type]  # nobody looks for it


def test_a_published_price_is_that_of_the_day() -> None:
    def starting(month: int, price: str) -> ConditionalPrice:
        constraint = StartDateConstraint(datetime(2026, month, 1, tzinfo=UTC).date())
        return ConditionalPrice(constraint, prices=ModelPrice(input_mtok=Decimal(price)))

    first = ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(1)))
    assert published([first, starting(10, "2"), starting(12, "3")]) == Price(input="2")


def test_a_price_that_changes_by_the_hour_is_not_known() -> None:
    night = TimeOfDateConstraint(DAY.time(), DAY.time())
    half = ConditionalPrice(night, prices=ModelPrice(input_mtok=Decimal(1)))
    assert published([ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(2))), half]) is None


def test_a_price_by_something_else_than_tokens_is_not_known() -> None:
    assert published(ModelPrice(input_mtok=Decimal(1), requests_kcount=Decimal(5))) is None
    assert published(ModelPrice(input_audio_hours=Decimal(1))) is None


def test_more_digits_than_a_price_can_have_are_rounded() -> None:
    assert published(ModelPrice(input_mtok=Decimal("0.00000055"))) == Price(input="0.000001")


MODELS = [
    pytest.param(provider, info, id=f"{provider.id}/{info.id}")
    for provider in data_snapshot.get_snapshot().providers
    if provider.id in {"openai", "anthropic", "google"}
    for info in provider.models
    if published_price(info, DAY) is not None
]
SIZES = (1_000, 150_000, 250_000, 400_000)


@pytest.mark.parametrize(("provider", "info"), MODELS)
def test_a_published_price_costs_what_its_package_says(provider: Any, info: ModelInfo) -> None:
    price = published_price(info, DAY)
    assert price is not None
    for given in SIZES:
        usage = Usage(
            input_tokens=given,
            cached_tokens=300,
            cache_write_tokens=200,
            cache_write_1h_tokens=50,
            output_tokens=777,
        )
        theirs = info.calc_price(
            PublishedUsage(
                input_tokens=given,
                cache_read_tokens=300,
                cache_write_tokens=200,
                cache_write_1h_tokens=50,
                output_tokens=777,
            ),
            provider,
            genai_request_timestamp=DAY,
        )
        ours = Decimal(cost_of(usage, price_list("v", price)).amount) / PICODOLLARS
        assert ours == theirs.total_price
