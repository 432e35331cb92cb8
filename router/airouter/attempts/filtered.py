"""Answers that a provider's content filter has withheld, or cut, with status 200.

Another model may have a whole one. Of a stream that is known in time where its client has got
nothing yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.routing.walk import CONTENT_FILTER

if TYPE_CHECKING:
    from airouter.request_context import RequestContext
    from airouter.serving.target import Target


def is_filtered(context: RequestContext, target: Target, answer: bytes) -> bool:
    """Return True for an answer, in the client's words, that another model shall give.

    What the last of the models says is told as it is.
    """
    if not context.route.fallbacks:
        return False
    if CONTENT_FILTER not in context.serving.snapshot.retries.fallback_on:
        return False
    if not context.endpoint.stream.filtered.search(answer):
        return False
    catalog = context.serving.catalogs[context.endpoint.api]
    others = [*catalog.fallbacks_of(context.route)]
    return bool(others) and all(each.target is not target for each in others[-1].backends)
