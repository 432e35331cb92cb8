"""Signatures of thoughts in the form of Claude's: base64 of a message of Protocol Buffers."""

from __future__ import annotations

import base64
import hashlib


def claude_signature(name: str) -> str:
    """One of its own for every name."""
    signed = b"\x08\x0b\x18\x02\x2a\x40" + hashlib.sha512(name.encode()).digest()
    channel = b"\x0a%c%b" % (len(signed), signed)
    return base64.b64encode(b"\x12%c%b\x18\x01" % (len(channel), channel)).decode()
