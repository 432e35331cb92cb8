"""The headers that tell a client of its own limits, as its SDK knows them.

OpenAI's: https://platform.openai.com/docs/guides/rate-limits; Anthropic's:
https://docs.anthropic.com/en/api/rate-limits. Of several scopes the one with the least room counts.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING

from airouter.bookkeeping.window import SPAN, STEPS_PER_SECOND, step_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.bookkeeping.limit_counter import LimitCounter
    from airouter.interfaces import Headers
    from airouter.limits.scope import Scope

OPENAI, ANTHROPIC = "OpenAI", "Anthropic"
NAMES = {
    OPENAI: (b"x-ratelimit-limit-%b", b"x-ratelimit-remaining-%b", b"x-ratelimit-reset-%b"),
    ANTHROPIC: (
        b"anthropic-ratelimit-%b-limit",
        b"anthropic-ratelimit-%b-remaining",
        b"anthropic-ratelimit-%b-reset",
    ),
}
"""Those of the limit, of what is left, and of the time until all of it is there again."""
LESS_THAN_A_SECOND = timedelta(microseconds=999_999)
MOST_LIMITS = 4_096
"""Limits of different size whose headers are kept: a busy client gets the same ones all day."""


def limit_headers(own: Sequence[Scope], dialect: str) -> Headers:
    """Return the headers of the limits of a client, in the dialect of OpenAI or Anthropic."""
    if not own:
        return []
    step = step_of(monotonic())
    headers: Headers = []
    for what, counters in (
        (b"requests", [each.requests for each in own if each.requests is not None]),
        (b"tokens", [each.tokens for each in own if each.tokens is not None]),
    ):
        if counters:
            tightest = min(counters, key=lambda each: each.room(step))
            headers += of_counter(what, tightest, step, dialect)
    return headers


def of_counter(what: bytes, counter: LimitCounter, step: int, dialect: str) -> Headers:
    """Return the headers of one limit."""
    limit, left_name, reset_name = limit_and_names(what, counter.limit, dialect)
    room, steps = counter.room(step), counter.until_idle(step)
    when = anthropic_moment(steps) if dialect == ANTHROPIC else openai_span(steps)
    left = b"%d" % room if room > 0 else b"0"
    return [limit, (left_name, left), (reset_name, when)]


@lru_cache(MOST_LIMITS)
def limit_and_names(
    what: bytes, limit: int, dialect: str
) -> tuple[tuple[bytes, bytes], bytes, bytes]:
    """Return the header of a limit, and the names of those of what is left and of the reset."""
    names = NAMES[ANTHROPIC if dialect == ANTHROPIC else OPENAI]
    of_limit, of_rest, of_reset = (name % what for name in names)
    return (of_limit, b"%d" % limit), of_rest, of_reset


@lru_cache(SPAN + 2)  # one for each step of a window: to write a float takes long
def openai_span(steps: int) -> bytes:
    """Return a time as OpenAI writes it: `1m0s`, `6.1s`."""
    minutes, rest = divmod(steps, 60 * STEPS_PER_SECOND)
    seconds = b"%gs" % (rest / STEPS_PER_SECOND)
    return b"%dm%b" % (minutes, seconds) if minutes else seconds


def anthropic_moment(steps: int) -> bytes:
    """Return a moment ahead as Anthropic writes it (RFC 3339): the first whole second after it."""
    when = datetime.now(UTC) + timedelta(seconds=steps / STEPS_PER_SECOND)
    if steps:
        when += LESS_THAN_A_SECOND
    return when.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
