"""Prices of models and backends, and what becomes of requests whose price nobody knows."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from airouter.config.resource.fields import Part, Positive, Price, mistake, unique


class TokenPrices(Part):
    """USD per million tokens, as decimals in quotes."""

    input: Price | None = Field(None, description="Tokens in.")
    cached_input: Price | None = Field(
        None, description="Tokens in, from the provider's cache. Default: input."
    )
    cache_write: Price | None = Field(
        None, description="Tokens in that the provider puts into its cache. Default: input."
    )
    cache_write_1h: Price | None = Field(
        None,
        alias="cacheWrite1h",
        description="Those of them that it keeps for an hour. Default: cacheWrite.",
    )
    output: Price | None = Field(None, description="Tokens out, reasoning included.")


class PriceTier(TokenPrices):
    """Prices of a request whose whole input is above a size. Default: as below it."""

    above_tokens: Positive = Field(
        description="Tokens in, cached ones included, above which all of the request costs this."
    )


def check_order(tiers: list[PriceTier]) -> list[PriceTier]:
    """Validate that the tiers ascend."""
    sizes = [tier.above_tokens for tier in tiers]
    if sizes != sorted(sizes):
        raise mistake("are not in ascending order", "sort by aboveTokens, the lowest first")
    return tiers


Tiers = Annotated[
    list[PriceTier],
    Field(max_length=8),
    unique(lambda tier: tier.above_tokens),
    AfterValidator(check_order),
]


class Prices(TokenPrices):
    """A price: what is left out of it costs nothing, where no default says otherwise."""

    audio_input: Price | None = Field(None, description="Tokens in of audio. Default: input.")
    audio_output: Price | None = Field(None, description="Tokens out of audio. Default: output.")
    image_input: Price | None = Field(None, description="Tokens in of images. Default: input.")
    image_output: Price | None = Field(None, description="Tokens out of images. Default: output.")
    image: Price | None = Field(None, description="USD for each image that is drawn.")
    tiers: Tiers = Field([], description="Other prices for a long input, at most 8. Default none.")


class Pricing(Part):
    """The policy for requests whose price is not known."""

    unknown: Literal["Allow", "Refuse"] = Field(
        "Allow",
        description="Refuse leaves out backends without a price, declared or published; a request "
        "for a model with no other gets a 403. Default Allow.",
    )
