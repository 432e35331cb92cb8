"""No pattern takes long over any text: what providers and clients write is searched with them.

The texts are made of the pattern's own words, again and again: one that tries each of them as its
beginning, and looks through all the rest every time, takes four times as long for twice as much.
"""

from __future__ import annotations

import inspect
import math
import pkgutil
import re
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

import airouter
from airouter.telemetry.redaction import RULES

FEW, TIMES = 1_000, 8
"""Characters; a message of an upstream may have a million."""
STEEPEST = 1.35
"""Of time over size, where what is done once weighs something. Quadratic is 2."""
UNMEASURABLE = 0.002
"""Seconds; a linear pattern is through in less."""
TRIES = 6
SYNTAX = re.compile(r"\\[A-Za-z]|\(\?:")
WORD = re.compile(r"[A-Za-z_:/. -]{2,}")
SEPARATORS = (" ", "-", ":", '"', "\\", "a", "1")
CONFIGURED = (
    "airouter.config.",
    "airouter.dialects.claude.models",
    "airouter.dialects.gemini.models",
    "airouter.dialects.provenance:CLAUDE_NAME",
)
"""Read nothing but a configuration, of which every text is short."""

Pattern = re.Pattern[Any]


def patterns() -> Iterator[tuple[str, Pattern, bool]]:
    """All compiled patterns of the router, and whether they are looked for within a text."""
    for module in pkgutil.walk_packages(airouter.__path__, "airouter."):
        if module.name.endswith("__main__"):
            continue
        code = pkgutil.resolve_name(module.name)
        for name, value in vars(code).items():
            if isinstance(value, re.Pattern) and not f"{module.name}:{name}".startswith(CONFIGURED):
                within = re.search(rf"\b{name}\.(search|sub|find|split)", inspect.getsource(code))
                yield f"{module.name}:{name}", value, within is not None
    for number, rule in enumerate(RULES):
        yield f"redaction rule {number}", rule.pattern, True


PATTERNS = {name: (pattern, within) for name, pattern, within in patterns()}


def texts(pattern: Pattern, size: int) -> Iterator[Any]:
    """Hostile texts for a pattern, of the same kinds for each size."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode()
    words = WORD.findall(SYNTAX.sub("(", source)) or [""]
    for word in [*words, *map("".join, pairwise(words)), " ".join(words)]:
        for separator in SEPARATORS:
            unit = word + separator
            for text in (unit * (size // len(unit)), unit * (size // len(unit)) + "\0"):
                yield text if isinstance(pattern.pattern, str) else text.encode()
            for text in (word + separator * size, word + separator * size + "\0"):
                yield text if isinstance(pattern.pattern, str) else text.encode()


def seconds(pattern: Pattern, text: Any, *, within: bool) -> float:
    """The time to find all that there is in a text."""
    begun = time.process_time()
    if within:
        sum(1 for _ in pattern.finditer(text))
    else:
        pattern.fullmatch(text)
    return time.process_time() - begun


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_is_linear_in_whatever_it_is_given(name: str) -> None:
    pattern, within = PATTERNS[name]
    for small, large in zip(texts(pattern, FEW), texts(pattern, TIMES * FEW), strict=True):
        few = many = math.inf
        for _ in range(TRIES):
            many = min(many, seconds(pattern, large, within=within))
            if many < UNMEASURABLE:
                break
            few = min(few, seconds(pattern, small, within=within))
            if math.log(many / few, TIMES) < STEEPEST:
                break
        else:
            pytest.fail(f"{large[:60]!r}...: {few * 1e3:.2f} ms, then {many * 1e3:.2f} ms")
