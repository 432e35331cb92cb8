"""The cost of an answer: its usage times the price of the backend that gave it.

Money is a whole number of picodollars (1e-12 USD). A declared price has six digits after the point
for a million tokens, so one token costs a whole number of them: products and sums are exact, never
rounded, and take a third of the time of decimals.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airouter.config import snapshot
    from airouter.dialects.conversation import Usage

PICODOLLARS = 10**12
"""Picodollars in a US dollar."""


class Rates(NamedTuple):
    """Picodollars for a token of each kind."""

    input: int
    cached_input: int
    cache_write: int
    cache_write_1h: int
    output: int
    audio_input: int
    audio_output: int
    image_input: int
    image_output: int


class PriceList(NamedTuple):
    """A price, ready to multiply with."""

    version: str
    rates: Rates
    image: int = 0
    """Picodollars for an image."""
    tiers: tuple[tuple[int, Rates], ...] = ()
    """Tokens in above which other rates hold for all of a request; the highest first."""

    def rates_for(self, input_tokens: int) -> Rates:
        """Return the rates of a request by the size of its input."""
        for above, rates in self.tiers:
            if input_tokens > above:
                return rates
        return self.rates


class PriceLists(NamedTuple):
    """The prices of a snapshot."""

    by_version: Mapping[str, PriceList]
    refuses_unpriced: bool = False

    def admitted(self, model: snapshot.Model) -> snapshot.Model:
        """Return a model with those of its backends that requests may reach."""
        if not self.refuses_unpriced:
            return model
        tiers = (tuple(backend for backend in tier if backend.price) for tier in model.tiers)
        return msgspec.structs.replace(model, tiers=tuple(tier for tier in tiers if tier))


class Cost(msgspec.Struct, frozen=True):
    """Picodollars."""

    amount: int
    saved: int
    """Difference to the price of what came from the provider's cache, had it been read anew."""


def price_lists(declared: snapshot.Snapshot) -> PriceLists:
    """Return all prices of a snapshot."""
    by_version = {version: price_list(version, each) for version, each in declared.prices.items()}
    return PriceLists(by_version, declared.refuses_unpriced)


def distinct_prices(prices: Iterable[PriceList | None]) -> tuple[PriceList, ...]:
    """Return each price once, of those that are known."""
    return tuple(dict.fromkeys(price for price in prices if price is not None))


def price_list(version: str, declared: snapshot.Price) -> PriceList:
    """Return a price as whole numbers.

    What is None costs as the next best: an hour in the cache as any writing to it; the cache, audio
    and images in as `input`; audio and images out as `output`; and these two, or an image, nothing.
    """
    tiers: list[tuple[int, Rates]] = []
    price = declared
    for tier in declared.tiers:
        given = msgspec.structs.asdict(tier)
        above = given.pop("above_tokens")
        changed = {name: value for name, value in given.items() if value is not None}
        price = msgspec.structs.replace(price, **changed)
        tiers.insert(0, (above, rates_of(price)))
    image = int(Decimal(declared.image or 0) * PICODOLLARS)
    return PriceList(version, rates_of(declared), image, tuple(tiers))


def rates_of(price: snapshot.Price) -> Rates:
    """Return what tokens cost, with something for each kind."""
    given, made = per_token(price.input, 0), per_token(price.output, 0)
    written = per_token(price.cache_write, given)
    return Rates(
        input=given,
        cached_input=per_token(price.cached_input, given),
        cache_write=written,
        cache_write_1h=per_token(price.cache_write_1h, written),
        output=made,
        audio_input=per_token(price.audio_input, given),
        audio_output=per_token(price.audio_output, made),
        image_input=per_token(price.image_input, given),
        image_output=per_token(price.image_output, made),
    )


def per_token(usd_per_million: str | None, otherwise: int) -> int:
    """Return picodollars for a token."""
    return otherwise if usd_per_million is None else int(Decimal(usd_per_million) * 1_000_000)


def cost_of(usage: Usage, price: PriceList) -> Cost:
    """Return the cost of what one backend has answered; reasoning is part of the output.

    A provider's numbers may contradict each other: nothing is taken off for that.
    """
    given, made = tally(usage.input_tokens), tally(usage.output_tokens)
    rates = price.rates_for(given) if price.tiers else price.rates
    fresh, cached, written = given, 0, 0
    if usage.cached_tokens or usage.cache_write_tokens:
        cached, written = tally(usage.cached_tokens), tally(usage.cache_write_tokens)
        fresh = max(0, given - cached - written)
    amount = fresh * rates.input + cached * rates.cached_input + made * rates.output
    if written:
        hour = min(written, tally(usage.cache_write_1h_tokens))
        amount += (written - hour) * rates.cache_write + hour * rates.cache_write_1h
    if usage.audio_input_tokens or usage.image_input_tokens:
        heard = min(fresh, tally(usage.audio_input_tokens))
        seen = min(fresh - heard, tally(usage.image_input_tokens))
        amount += heard * (rates.audio_input - rates.input)
        amount += seen * (rates.image_input - rates.input)
    if usage.audio_output_tokens or usage.image_output_tokens:
        spoken = min(made, tally(usage.audio_output_tokens))
        drawn = min(made - spoken, tally(usage.image_output_tokens))
        amount += spoken * (rates.audio_output - rates.output)
        amount += drawn * (rates.image_output - rates.output)
    if usage.images:
        amount += tally(usage.images) * price.image
    return Cost(amount, cached * max(0, rates.input - rates.cached_input) if cached else 0)


def tally(tokens: int | None) -> int:
    """Return a count of a provider's: 0 for one that is not known, or makes no sense."""
    return tokens if tokens is not None and tokens > 0 else 0


def in_usd(picodollars: int) -> float:
    """Return US dollars: exact to the last picodollar up to 9,000 USD."""
    return picodollars / PICODOLLARS
