"""Signatures of thoughts that are surely not Claude's, by how others write theirs.

Claude refuses a request with a thought that it did not sign. Its own signatures are base64 of a
message of Protocol Buffers that nobody documents, so all that might be one is kept. Seen of others:
Gemini's are bytes that begin with 1, alone in up to two fields; reasoning that OpenAI encrypts is a
Fernet token; the rest are ids, or text in base64.
"""

from __future__ import annotations

import base64
import re

HEAD = 24
"""Characters at the begin of a signature that tell enough of it; no signature is shorter."""
WORD = re.compile(rf"[A-Za-z0-9+/]{{{HEAD}}}")
FERNET = b"\x80\x00\x00\x00"
"""The version of a Fernet token, and the first bytes of its time."""
TEXT = re.compile(rb"[ -~]+")
ENCODED_TWICE = b"E"
"""Begins a signature of Claude's that some cloud has put into base64 once more."""
FIELDS = (b"\x0a", b"\x12")
"""Tags of a first and a second field of bytes (https://protobuf.dev/programming-guides/encoding)"""
GEMINI = b"\x01"
MOST_FIELDS = 2


def is_foreign(signature: str) -> bool:
    """Return True for a signature, or for redacted thinking, that cannot be Claude's."""
    head = signature[:HEAD]
    if not WORD.match(head):
        return True
    data = unwrapped(base64.b64decode(head))
    return data.startswith((GEMINI, FERNET)) or is_text(data)


def unwrapped(data: bytes) -> bytes:
    """Return what is in the fields that data begins with, as far as it is there."""
    for _ in range(MOST_FIELDS):
        if not data.startswith(FIELDS):
            break
        end = 1
        while data[end : end + 1] >= b"\x80":  # a length goes on
            end += 1
        data = data[end + 1 :]
    return data


def is_text(data: bytes) -> bool:
    """Return whether data is text that means something to somebody else."""
    return bool(TEXT.fullmatch(data)) and not data.startswith(ENCODED_TWICE)
