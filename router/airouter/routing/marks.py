"""Marks by which replicas tell one key of a credential from the next without saying any of it."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from airouter.config.snapshot import Credential

BYTES = 2
"""Enough to tell two keys apart, and too few to find one by them."""


def mark_of(credential: Credential) -> str:
    """Return four hexadecimal digits: others where the key is another one, or where it is shown."""
    called = msgspec.json.encode((credential.type, credential.base_url, credential.secret))
    return blake2b(called, digest_size=BYTES).hexdigest()
