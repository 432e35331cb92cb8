"""The headers that tell a client of its own limits, as its SDK knows them.

OpenAI's: https://platform.openai.com/docs/guides/rate-limits; Anthropic's:
https://docs.anthropic.com/en/api/rate-limits. Of several scopes the one with the least room counts.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING

from airouter.bookkeeping.window import STEPS_PER_SECOND, step_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.interfaces import Headers
    from airouter.limits.scope import Scope, SlidingCount


def limit_headers(own: Sequence[Scope], dialect: str) -> Headers:
    """Return the headers of the limits of a client, in the dialect of OpenAI or Anthropic."""
    if not own:
        return []
    step = step_of(monotonic())
    counted = [(*each.counted(), each.held) for each in own]
    windows = (
        (b"requests", [(requests, 0) for requests, _, _ in counted if requests is not None]),
        (b"tokens", [(tokens, held) for _, tokens, held in counted if tokens is not None]),
    )
    headers: Headers = []
    for what, known in windows:
        if known:
            room, window = min(
                ((max(0, window.room(step) - held), window) for window, held in known),
                key=lambda pair: pair[0],
            )
            headers += of_window(what, window, room, step, dialect)
    return headers


def of_window(what: bytes, window: SlidingCount, room: int, step: int, dialect: str) -> Headers:
    """Return the headers of one limit."""
    limit, left = b"%d" % window.limit, b"%d" % room
    steps = window.until_idle(step)
    if dialect == "Anthropic":
        name = b"anthropic-ratelimit-" + what
        when = anthropic_moment(steps)
        return [(name + b"-limit", limit), (name + b"-remaining", left), (name + b"-reset", when)]
    return [
        (b"x-ratelimit-limit-" + what, limit),
        (b"x-ratelimit-remaining-" + what, left),
        (b"x-ratelimit-reset-" + what, openai_span(steps)),
    ]


def openai_span(steps: int) -> bytes:
    """Return a time as OpenAI writes it: `1m0s`, `6.1s`."""
    minutes, rest = divmod(steps, 60 * STEPS_PER_SECOND)
    seconds = b"%gs" % (rest / STEPS_PER_SECOND)
    return b"%dm%b" % (minutes, seconds) if minutes else seconds


def anthropic_moment(steps: int) -> bytes:
    """Return a moment ahead as Anthropic writes it (RFC 3339)."""
    when = datetime.now(UTC) + timedelta(seconds=steps / STEPS_PER_SECOND)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
