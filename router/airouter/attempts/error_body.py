"""The body of a provider's error, for which nobody waits long: most statuses say enough."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from airouter.failures import drop_frames
from airouter.interfaces import UpstreamError, UpstreamTimeout
from airouter.providers.base import OF_THE_KEY

if TYPE_CHECKING:
    from airouter.interfaces import AnswerMeter, Reply

LONGEST = 5.0
"""Seconds that the body of an error may take."""
OUT_OF_ORDER = OF_THE_KEY | {408, 429}
"""Statuses below 500 that say what becomes of a request, whatever their bodies say."""


async def read_error(reply: Reply, meter: AnswerMeter) -> bytes:
    """Return the body of an error; an empty one where it does not come whole.

    Raises `UpstreamError` where only the body can say what is wrong with the request.
    """
    try:
        async with asyncio.timeout(LONGEST):
            return await reply.read(meter)
    except TimeoutError:
        error: UpstreamError = UpstreamTimeout("the upstream did not finish its error", LONGEST)
    except UpstreamError as broken:
        error = broken
    if 400 <= reply.status < 500 and reply.status not in OUT_OF_ORDER:
        raise error
    drop_frames(error)
    return b""
