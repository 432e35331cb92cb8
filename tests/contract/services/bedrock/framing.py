"""Frames of an AWS event stream, written by hand: botocore can only read them.

Source: https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import json
import struct
import zlib

from contract.services.stand_in import Body

PADDING = "abcdefghijklmnopqrstuvwxyz"


def frame(name: str, payload: Body, kind: str = "event") -> bytes:
    """An event, or an `exception`; like the service it pads the payload by a key of its own."""
    headers = b"".join(
        text_header(key, value)
        for key, value in (
            (f":{kind}-type", name),
            (":content-type", "application/json"),
            (":message-type", kind),
        )
    )
    padding = {"p": PADDING[: 1 + len(name) % 26]} if kind == "event" else {}
    return enclosed(headers, json.dumps(payload | padding).encode())


def text_header(name: str, value: str) -> bytes:
    """A header whose value is a text, which is kind 7."""
    start = struct.pack("!B", len(name)) + name.encode()
    return start + struct.pack("!BH", 7, len(value)) + value.encode()


def enclosed(headers: bytes, payload: bytes) -> bytes:
    """Lengths and checksums around it."""
    lengths = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    head = lengths + struct.pack("!I", zlib.crc32(lengths))
    data = head + headers + payload
    return data + struct.pack("!I", zlib.crc32(data))


def damaged(data: bytes) -> bytes:
    """A frame whose last checksum does not fit."""
    return data[:-1] + bytes([data[-1] ^ 0xFF])
