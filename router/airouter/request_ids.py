"""Request ids: a client's own if it is fit for a log, else one of ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

HEADER = b"x-request-id"
FIT = re.compile(rb"[\x21-\x7e]{1,128}")


def request_id(given: bytes | None, random: Random) -> str:
    """Return the id of a request whose `x-request-id` header is `given`."""
    if given is not None and FIT.fullmatch(given):
        return given.decode("ascii")
    # By way of bytes: to format so large a number takes three times as long.
    return "req_" + random.getrandbits(128).to_bytes(16).hex()
