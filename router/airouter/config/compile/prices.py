"""Prices of backends: as they are declared, else as `genai-prices` knows them.

`genai-prices` is a package with the public prices of providers in it; nothing is fetched. It takes
0.2 s and 14 MB to import, so that waits for the first backend that has no price of its own. Where
an operator compiles, routers never import it.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from airouter.config import snapshot
from airouter.config.resource import Prices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from genai_prices.types import ModelInfo, ModelPrice, Provider

    from airouter.config.providers import ProviderTypes
    from airouter.config.resource import Credential

TIERED: Mapping[str, str] = {
    "input_mtok": "input",
    "cache_read_mtok": "cached_input",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_mtok": "output",
}
"""Kinds of prices that may have tiers: the name in the data to ours."""
FLAT: Mapping[str, str] = {
    "input_audio_mtok": "audio_input",
    "output_audio_mtok": "audio_output",
    "input_image_mtok": "image_input",
    "output_image_mtok": "image_output",
}
BESIDE = frozenset(
    {
        "cache_audio_read_mtok",
        "cache_image_read_mtok",
        "storage_searches_kcount",
        "web_searches_kcount",
    }
)
"""What is billed beside the tokens of an answer, and not told with them. Any other kind of price
makes the whole not known: it would come out too low."""
DIGITS = 12
"""Of a hash, in hex: enough to tell all prices of a configuration apart."""
LAST_DIGIT = Decimal("0.000001")
UNDECLARED = Prices()


class PriceBook:
    """The prices of a configuration's backends."""

    def __init__(self, types: ProviderTypes, now: datetime | None = None) -> None:
        """`now` is the day whose published prices hold, by default today."""
        self.prices: dict[str, snapshot.Price] = {}
        """By their versions."""
        self._types = types
        self._now = now or datetime.now(UTC)
        self._published: dict[tuple[str, str, str], str] = {}
        self._providers: dict[tuple[str, str], Provider | None] = {}

    def version_for(self, declared: Prices, credential: Credential, upstream_name: str) -> str:
        """Return the version of a backend's price; empty where that is not known."""
        if declared.model_fields_set and declared != UNDECLARED:
            return self._add("declared", declared_price(declared))
        provider_id = self._types[credential.type].prices
        url = "" if provider_id else credential.base_url or ""
        if not provider_id and not url.startswith("https://"):  # as all that is published does
            return ""
        key = (provider_id, url, upstream_name)
        if key not in self._published:
            self._published[key] = self._publish(*key)
        return self._published[key]

    def _publish(self, provider_id: str, url: str, upstream_name: str) -> str:
        # Here, because it takes longer to import than all of the router.
        from genai_prices import __version__, data_snapshot  # noqa: PLC0415

        providers = data_snapshot.get_snapshot().providers
        # Once for each: a URL is held against the patterns of all providers.
        if (provider_id, url) not in self._providers:
            self._providers[provider_id, url] = priced_provider(providers, provider_id, url)
        provider = self._providers[provider_id, url]
        if provider is None:
            return ""
        model = provider.find_model(upstream_name, all_providers=list(providers))
        price = None if model is None else published_price(model, self._now)
        return "" if price is None else self._add(f"genai-prices-{__version__}", price)

    def _add(self, source: str, price: snapshot.Price) -> str:
        digest = hashlib.sha256(msgspec.json.encode(price, order="sorted")).hexdigest()
        version = f"{source}-{digest[:DIGITS]}"
        self.prices[version] = price
        return version


def declared_price(declared: Prices) -> snapshot.Price:
    """Return a declared price in the snapshot's form."""
    return msgspec.convert(declared.model_dump(exclude_none=True), snapshot.Price, strict=True)


def priced_provider(providers: Sequence[Provider], provider_id: str, url: str) -> Provider | None:
    """Return a provider, which goes by its id or by the root of its API."""
    for provider in providers:
        if provider.id == provider_id or (url and re.match(provider.api_pattern, url)):
            return provider
    return None


def published_price(model: ModelInfo, now: datetime) -> snapshot.Price | None:
    """Return the price of a day; None for one that a snapshot cannot hold."""
    price = price_of_day(model, now)
    if price is None:
        return None
    held = {kind: value for kind, value in vars(price).items() if value is not None}
    if not held.keys() & {*TIERED, *FLAT} or held.keys() - {*TIERED, *FLAT, *BESIDE}:
        return None
    flat: dict[str, str] = {}
    tiers: dict[int, dict[str, str]] = {}
    for kind, value in held.items():
        if isinstance(value, Decimal):
            flat[{**TIERED, **FLAT}.get(kind, "")] = decimal_text(value)
        elif kind not in TIERED:
            return None
        else:
            flat[TIERED[kind]] = decimal_text(value.base)
            for tier in value.tiers:
                tiers.setdefault(tier.start, {})[TIERED[kind]] = decimal_text(tier.price)
    flat.pop("", None)
    return snapshot.Price(
        **flat,
        tiers=tuple(
            snapshot.PriceTier(above_tokens=above, **tiers[above]) for above in sorted(tiers)
        ),
    )


def price_of_day(model: ModelInfo, now: datetime) -> ModelPrice | None:
    """Return the price of a day; None for one that changes by the hour."""
    from genai_prices.types import ModelPrice, TimeOfDateConstraint  # noqa: PLC0415 - see above

    if isinstance(model.prices, ModelPrice):
        return model.prices
    if any(isinstance(each.constraint, TimeOfDateConstraint) for each in model.prices):
        return None
    return model.get_prices(now) if model.prices else None


def decimal_text(price: Decimal) -> str:
    """Return a price as a declared one is written, rounded to its last digit."""
    return f"{price.quantize(LAST_DIGIT).normalize():f}"
