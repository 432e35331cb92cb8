"""What recorded usages cost by the price pages of their providers, worked out by hand.

In the comments, a price is in USD for a million tokens, so tokens times it are millionths of a
dollar.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import pytest

from airouter.config.snapshot import Price, PriceTier, Snapshot
from airouter.costs import Cost, PriceList, cost_of, in_usd, price_list, price_lists
from airouter.dialects.conversation import Usage
from airouter.dialects.converse import schema as converse
from airouter.dialects.converse.blocks import parse_usage as converse_usage
from airouter.dialects.gemini import schema as gemini
from airouter.dialects.gemini.counts import parse_usage as gemini_usage
from airouter.dialects.messages.counts import usage_of as messages_usage
from airouter.dialects.messages.usage import UsageReader
from airouter.dialects.openai_usage import (
    CHAT_BODY,
    RESPONSES_BODY,
    images_usage_in,
    usage_in,
)

MICRO = 1_000_000
"""Picodollars in a millionth of a dollar."""

# https://platform.openai.com/docs/pricing
GPT_4O = Price(input="2.50", cached_input="1.25", output="10.00")
GPT_4O_AUDIO = Price(input="2.50", output="10.00", audio_input="40.00", audio_output="80.00")
GPT_5 = Price(input="1.25", cached_input="0.125", output="10.00")
GPT_5_4 = Price(
    input="2.50",
    cached_input="0.25",
    output="15.00",
    tiers=(PriceTier(above_tokens=272_000, input="5", cached_input="0.50", output="22.50"),),
)
GPT_IMAGE = Price(input="5", output="10", image_input="8", image_output="32")
SMALL_EMBEDDINGS = Price(input="0.02")
# https://platform.claude.com/docs/en/about-claude/pricing
SONNET = Price(input="3", cached_input="0.30", cache_write="3.75", cache_write_1h="6", output="15")
# https://aws.amazon.com/bedrock/pricing/
SONNET_IN_A_REGION = Price(
    input="3.30", cached_input="0.33", cache_write="4.125", cache_write_1h="6.60", output="16.50"
)
# https://ai.google.dev/gemini-api/docs/pricing
GEMINI_PRO = Price(
    input="1.25",
    cached_input="0.125",
    output="10",
    tiers=(PriceTier(above_tokens=200_000, input="2.50", cached_input="0.25", output="15"),),
)
GEMINI_FLASH = Price(input="0.30", cached_input="0.03", output="2.50", audio_input="1.00")
IMAGEN = Price(image="0.04")


def chat(**usage: Any) -> Usage | None:
    return usage_in(CHAT_BODY, json.dumps({"usage": usage}).encode())


def responses(**usage: Any) -> Usage | None:
    return usage_in(RESPONSES_BODY, json.dumps({"usage": usage}).encode())


def messages(**usage: Any) -> Usage | None:
    return messages_usage(json.dumps({"usage": usage}).encode())


def streamed_messages(*usages: dict[str, Any]) -> Usage | None:
    """The usage of a stream, whose beginning and end have some of it each."""
    first, last = usages
    events: tuple[dict[str, Any], ...] = (
        {"type": "message_start", "message": {"usage": first}},
        {"type": "message_delta", "delta": {}, "usage": last},
        {"type": "message_stop"},
    )
    reader = UsageReader(lambda _: None)
    for event in events:
        reader.feed(
            b"event: %b\ndata: %b\n\n" % (event["type"].encode(), json.dumps(event).encode())
        )
    return reader.finish()


def bedrock(**usage: Any) -> Usage:
    return converse_usage(msgspec.convert(usage, converse.TokenUsage))


def google(**usage: Any) -> Usage:
    return gemini_usage(msgspec.convert(usage, gemini.UsageMetadata))


def images(count: int, **usage: Any) -> Usage | None:
    body = {"created": 1, "data": [{"b64_json": "AAAA"}] * count}
    return images_usage_in(json.dumps(body | ({"usage": usage} if usage else {})).encode())


RECORDED: dict[str, tuple[Price, Callable[[], Usage | None], int]] = {
    # 86 * 2.50 + 1,920 * 1.25 + 300 * 10: what is cached is part of prompt_tokens.
    "chat-cached": (
        GPT_4O,
        partial(
            chat,
            prompt_tokens=2_006,
            completion_tokens=300,
            total_tokens=2_306,
            prompt_tokens_details={"cached_tokens": 1_920, "audio_tokens": 0},
            completion_tokens_details={"reasoning_tokens": 0, "audio_tokens": 0},
        ),
        5_615,
    ),
    # 1,200 * 1.25 + 2,050 * 10: reasoning is part of completion_tokens.
    "chat-reasoning": (
        GPT_5,
        partial(
            chat,
            prompt_tokens=1_200,
            completion_tokens=2_050,
            prompt_tokens_details={"cached_tokens": 0},
            completion_tokens_details={"reasoning_tokens": 1_984},
        ),
        22_000,
    ),
    # 30 * 2.50 + 55 * 40 + 40 * 10 + 140 * 80
    "chat-audio": (
        GPT_4O_AUDIO,
        partial(
            chat,
            prompt_tokens=85,
            completion_tokens=180,
            prompt_tokens_details={"cached_tokens": 0, "audio_tokens": 55},
            completion_tokens_details={"reasoning_tokens": 0, "audio_tokens": 140},
        ),
        13_875,
    ),
    # 100,000 * 5 + 200,000 * 0.50 + 1,000 * 22.50: the input is above 272,000 with its cached part.
    "responses-cached-above-a-tier": (
        GPT_5_4,
        partial(
            responses,
            input_tokens=300_000,
            input_tokens_details={"cached_tokens": 200_000},
            output_tokens=1_000,
            output_tokens_details={"reasoning_tokens": 640},
        ),
        622_500,
    ),
    # 21 * 3 + 188 * 3.75 + 1,800 * 0.30 + 393 * 15: the cache is told beside input_tokens.
    "messages-cache-of-5m": (
        SONNET,
        partial(
            messages,
            input_tokens=21,
            cache_creation_input_tokens=188,
            cache_read_input_tokens=1_800,
            cache_creation={"ephemeral_5m_input_tokens": 188, "ephemeral_1h_input_tokens": 0},
            output_tokens=393,
        ),
        7_203,
    ),
    # 2,048 * 3 + 1,800 * 0.30 + 148 * 3.75 + 100 * 6 + 503 * 15
    "messages-cache-of-5m-and-1h": (
        SONNET,
        partial(
            messages,
            input_tokens=2_048,
            cache_read_input_tokens=1_800,
            cache_creation_input_tokens=248,
            cache_creation={"ephemeral_5m_input_tokens": 148, "ephemeral_1h_input_tokens": 100},
            output_tokens=503,
        ),
        15_384,
    ),
    # The same: the end of a stream has no cache_creation.
    "messages-streamed-cache-of-1h": (
        SONNET,
        partial(
            streamed_messages,
            {
                "input_tokens": 2_048,
                "cache_read_input_tokens": 1_800,
                "cache_creation_input_tokens": 248,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": 148,
                    "ephemeral_1h_input_tokens": 100,
                },
                "output_tokens": 1,
            },
            {
                "input_tokens": 2_048,
                "cache_read_input_tokens": 1_800,
                "cache_creation_input_tokens": 248,
                "output_tokens": 503,
            },
        ),
        15_384,
    ),
    # 30 * 3.30 + 1,500 * 0.33 + 200 * 4.125 + 400 * 6.60 + 80 * 16.50
    "converse-cache-of-5m-and-1h": (
        SONNET_IN_A_REGION,
        partial(
            bedrock,
            inputTokens=30,
            outputTokens=80,
            totalTokens=2_210,
            cacheReadInputTokens=1_500,
            cacheWriteInputTokens=600,
            cacheDetails=[{"ttl": "1h", "inputTokens": 400}, {"ttl": "5m", "inputTokens": 200}],
        ),
        5_379,
    ),
    # 150,000 * 2.50 + 100,000 * 0.25 + (500 + 1,500) * 15: thoughts are told beside the answer.
    "gemini-cached-above-a-tier": (
        GEMINI_PRO,
        partial(
            google,
            promptTokenCount=250_000,
            cachedContentTokenCount=100_000,
            candidatesTokenCount=500,
            thoughtsTokenCount=1_500,
            totalTokenCount=252_000,
        ),
        430_000,
    ),
    # 200,000 * 1.25 + 10 * 10: the tier begins above its size.
    "gemini-at-the-edge-of-a-tier": (
        GEMINI_PRO,
        partial(google, promptTokenCount=200_000, candidatesTokenCount=10),
        250_100,
    ),
    # 500 * 0.30 + 700 * 1 + 300 * 0.03 + 100 * 2.50: 300 of the tokens of audio are cached.
    "gemini-audio": (
        GEMINI_FLASH,
        partial(
            google,
            promptTokenCount=1_500,
            cachedContentTokenCount=300,
            candidatesTokenCount=100,
            promptTokensDetails=[
                {"modality": "TEXT", "tokenCount": 500},
                {"modality": "AUDIO", "tokenCount": 1_000},
            ],
            cacheTokensDetails=[{"modality": "AUDIO", "tokenCount": 300}],
        ),
        1_109,
    ),
    # 8,000 * 0.02
    "embeddings": (
        SMALL_EMBEDDINGS,
        partial(chat, prompt_tokens=8_000, total_tokens=8_000),
        160,
    ),
    # 10 * 5 + 40 * 8 + 1,000 * 32 + 20 * 10
    "images-by-tokens": (
        GPT_IMAGE,
        partial(
            images,
            1,
            input_tokens=50,
            input_tokens_details={"text_tokens": 10, "image_tokens": 40},
            output_tokens=1_020,
            output_tokens_details={"text_tokens": 20, "image_tokens": 1_000},
        ),
        32_570,
    ),
    # 10 * 5 + 272 * 32: what is made are images.
    "images-without-details": (
        GPT_IMAGE,
        partial(images, 1, input_tokens=10, output_tokens=272),
        8_754,
    ),
    # 3 * 0.04 USD
    "images-by-number": (IMAGEN, partial(images, 3), 120_000),
}


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_usage_costs_what_the_price_page_says(name: str) -> None:
    price, recorded, millionths = RECORDED[name]
    usage = recorded()
    assert usage is not None
    assert cost_of(usage, price_list("v", price)).amount == millionths * MICRO


def priced(**price: Any) -> PriceList:
    return price_list("v", Price(**price))


def test_what_came_from_a_cache_saved_the_difference_to_what_is_read_anew() -> None:
    usage = Usage(input_tokens=1_000, cached_tokens=900)
    assert cost_of(usage, priced(input="3", cached_input="0.30")) == Cost(
        570 * MICRO, 2_430 * MICRO
    )


def test_a_cache_without_a_price_saves_nothing() -> None:
    usage = Usage(input_tokens=1_000, cached_tokens=900)
    assert cost_of(usage, priced(input="3")) == Cost(3_000 * MICRO, 0)


def test_what_a_price_leaves_out_costs_as_the_next_best() -> None:
    price = priced(input="1", cache_write="2", output="3")
    hour = Usage(input_tokens=10, cache_write_tokens=10, cache_write_1h_tokens=10)
    assert cost_of(hour, price).amount == 20 * MICRO
    heard = Usage(input_tokens=10, audio_input_tokens=10, output_tokens=10, image_output_tokens=10)
    assert cost_of(heard, price).amount == 40 * MICRO
    assert cost_of(heard, priced(output="1")).amount == 10 * MICRO


def test_a_tier_keeps_what_it_does_not_change_from_below_it() -> None:
    tiers = (
        PriceTier(above_tokens=10, input="2"),
        PriceTier(above_tokens=20, output="5"),
    )
    price = priced(input="1", cached_input="0.5", output="3", tiers=tiers)
    costs = [
        cost_of(Usage(input_tokens=given, cached_tokens=2, output_tokens=1), price).amount / MICRO
        for given in (10, 11, 20, 21)
    ]
    assert costs == [8 + 1 + 3, 18 + 1 + 3, 36 + 1 + 3, 38 + 1 + 5]


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input_tokens=5, cached_tokens=9),
        Usage(input_tokens=-5, output_tokens=-9, cached_tokens=-1),
        Usage(input_tokens=5, audio_input_tokens=9, image_input_tokens=9),
        Usage(cache_write_tokens=1, cache_write_1h_tokens=9),
        Usage(output_tokens=1, audio_output_tokens=9, image_output_tokens=9),
        Usage(images=-1),
    ],
)
def test_numbers_that_contradict_each_other_take_nothing_off(usage: Usage) -> None:
    kinds = {name: "1" for name in Price.__struct_fields__ if name != "tiers"}
    cost = cost_of(usage, priced(**kinds))
    assert cost.amount >= 0
    assert cost.saved >= 0


def test_a_millionth_of_a_dollar_for_a_million_tokens_is_not_lost() -> None:
    cost = cost_of(Usage(input_tokens=1), priced(input="0.000001"))
    assert cost.amount == 1
    assert in_usd(cost.amount) == 1e-12


def test_the_prices_of_a_snapshot_are_found_by_their_versions() -> None:
    found = price_lists(Snapshot(prices={"a": Price(input="1"), "b": Price(input="2")}))
    assert {name: price.rates.input for name, price in found.by_version.items()} == {
        "a": MICRO,
        "b": 2 * MICRO,
    }
