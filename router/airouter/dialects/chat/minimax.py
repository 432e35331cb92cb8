"""MiniMax's errors: with status 200, in a field of their own beside `choices` that are null.

Source: MiniMax's page of error codes. An answer has the field, too, with the code 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json

STATUSES = {
    1001: 504,  # a timeout
    1002: 429,  # too many requests
    1004: 401,  # not authorized
    1008: 429,  # no balance
    1026: 400,  # the input is sensitive
    1027: 400,  # the output is
    1039: 429,  # too many tokens
    1041: 429,  # too many connections
    1042: 400,  # too many invisible characters
    2013: 400,  # invalid parameters
    2045: 429,  # a rate that grows too fast
    2049: 401,  # an invalid key
    2056: 429,  # the plan is used up
}
"""Any other code is a fault of the service."""
NAMES = {1008: "insufficient_quota", 1026: "content_filter", 1027: "content_filter"}
"""OpenAI's names for codes by which more is decided than by their status."""


def error_in_field(field: object) -> Json | None:
    """Return the error in the field of a body without an answer; None where there is none."""
    code = field.get("status_code") if isinstance(field, dict) else None
    if not isinstance(field, dict) or not isinstance(code, int) or not code:
        return None
    return {
        "message": field.get("status_msg"),
        "code": NAMES.get(code, code),
        "status": STATUSES.get(code, 502),
    }
