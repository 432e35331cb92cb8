"""The result of one attempt at a backend, as `attempts/attempt.py` gives it and `walk.py` takes it.

Every way in which an attempt can end is one `AttemptOutcome`, with the failure that ended it.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from airouter.failures import Failure

REFUSED_KEY = "refused_key"
"""The kind of an attempt whose key the provider refused."""


class Retry(Enum):
    """The backends among which another attempt may mend a failure."""

    NOWHERE = "nowhere"
    """The request itself is at fault."""
    OTHER_MODEL = "other model"
    """Those of fallbacks: this model cannot answer the request, whoever serves it."""
    ELSEWHERE = "elsewhere"
    """Any but the backend that failed."""
    ANYWHERE = "anywhere"
    """All, the backend that failed among them."""


class AttemptOutcome(msgspec.Struct, frozen=True, eq=False):
    """The end of an attempt."""

    failure: Failure | None = None
    """None where the client has an answer, be it one that broke off."""
    retry: Retry = Retry.NOWHERE
    rests: bool = False
    """True where the backend is out of order and to be left alone for a while."""
    unasked: bool = False
    """True where no provider was asked: the request cannot be written for the backend."""
    status: int = 0
    """The provider's status of a failure, or the one that a failure without status counts as; 0
    for an answer, and where the provider has no part in it, or one of its pods alone."""
    kind: str = ""
    """`refused_key`; of a failure without status, the `UpstreamError.kind`; else empty."""


ANSWERED = AttemptOutcome()
