"""The cost of a request is linear in its size, whatever it has many of, wherever it goes.

What Python does in C does not show in a count of lines or calls, so the time of the processor is
fitted, which does not depend on what else the machine does. A figure that looks bad by chance is
taken again.
"""

from __future__ import annotations

import contextlib
import gc
import math
import time
from collections.abc import Iterator
from statistics import median

import msgspec
import pytest

from airouter.config.snapshot import Parameters
from airouter.dialects.chat.upstream import COMPATIBLE
from airouter.dialects.client_request import Edits, parse_client_request
from airouter.dialects.conversation import Destination
from airouter.dialects.converse.upstream import CONVERSE
from airouter.dialects.gemini.upstream import GEMINI
from airouter.dialects.messages.upstream import MESSAGES, ON_VERTEX
from airouter.dialects.translation.base import Translation
from airouter.dialects.translation.choice import translation_for
from airouter.dialects.translation.client_apis import ServedModel
from airouter.failures import Failure
from unit.dialects.translation.shapes import SHAPES, TURNS
from unit.dialects.translation.wording import WORDINGS

FEW, TIMES = 120, 8
STEEPEST = 1.2
"""The exponent of time over size: 1 is linear, 2 quadratic."""
TRIES = 60
"""Of which most shapes need one: what else runs on the machine may last longer than some."""
UNMEASURABLE = 0.0005
"""Seconds; nothing that is so quick can hold anybody up."""
UPSTREAMS = {
    "compatible": (COMPATIBLE, "m"),
    "Anthropic": (MESSAGES, "claude-sonnet-4-5"),
    "Gemini": (GEMINI, "gemini-3-pro"),
    "Claude at Bedrock": (CONVERSE, "anthropic.claude-sonnet-4-5"),
    "Mistral at Bedrock": (CONVERSE, "mistral.mistral-large-2407-v1:0"),
}


@pytest.fixture(autouse=True)
def no_collections() -> Iterator[None]:
    """The collector runs when it likes, and takes the longer the more there is."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def translation(api: str, upstream: str) -> Translation:
    dialect, model = UPSTREAMS[upstream]
    destination = Destination(model=model, maker="m", max_output_tokens=9)
    return translation_for(api, dialect, ServedModel("m", destination, Edits(Parameters()), {}))


def seconds(way: Translation, body: bytes) -> float:
    """The time that a request takes on its way to a provider, or to its refusal."""
    begun = time.process_time()
    with contextlib.suppress(Failure):
        request = parse_client_request(body)
        way.fetches(request)
        way.encode(request)
    return time.process_time() - begun


def exponent(way: Translation, small: bytes, large: bytes, times: int) -> float:
    """The exponent of time over size, of the medians of several tries.

    Not of the best: a busy machine has single moments in which something small is quick.
    """
    few: list[float] = []
    many: list[float] = []
    found = math.inf
    for _ in range(TRIES):
        few.append(seconds(way, small))
        many.append(seconds(way, large))
        ratio = median(many) / median(few)
        found = 0.0 if min(many) < UNMEASURABLE else math.log(ratio, times)
        if found < STEEPEST:
            break
    return found


@pytest.mark.parametrize("name", SHAPES)
def test_twice_as_much_of_anything_takes_twice_as_long(name: str) -> None:
    shape = SHAPES[name]
    steep = []
    for api, in_words in WORDINGS.items():
        small, large = (msgspec.json.encode(in_words(shape(n))) for n in (FEW, TIMES * FEW))
        for upstream in UPSTREAMS:
            found = exponent(translation(api, upstream), small, large, TIMES)
            if found > STEEPEST:
                steep.append(f"{api} to {upstream}: {found:.2f}")
    assert not steep


@pytest.mark.parametrize("name", [name for name in TURNS if name.endswith("between blank ones")])
def test_messages_that_meet_become_one_in_linear_time(name: str) -> None:
    """Each has so little in it that only very many of them show what it costs to copy them."""
    shape = TURNS[name]
    small, large = (msgspec.json.encode(WORDINGS["chat"](shape(n))) for n in (2_000, 32_000))
    assert exponent(translation("chat", "Claude at Bedrock"), small, large, 16) < STEEPEST


def test_what_only_anthropic_takes_is_left_out_in_linear_time() -> None:
    """A cache point that says its scope often, and never ends as one does."""

    def body(n: int) -> bytes:
        scopes = b",".join([b'"scope":"a"'] * n)
        return b'{"model":"m","metadata":{"cache_control":{%b,"x":{}}}}' % scopes

    destination = Destination(model="claude-sonnet-4-5", maker="m")
    served = ServedModel("m", destination, Edits(Parameters()), {})
    way = translation_for("messages", ON_VERTEX, served)
    assert exponent(way, body(FEW), body(TIMES * FEW), TIMES) < STEEPEST
