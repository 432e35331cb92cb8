"""The key of a conversation, which all its requests share: what `affinity.py` hashes.

The client may name it. Else it is how the conversation begins, which the provider's cache goes by,
too. Only beginnings are read, so the cost does not grow with the body.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from json import JSONDecoder
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping

    Fields = Mapping[str, msgspec.Raw]

T = TypeVar("T")

SESSION_HEADER = b"x-session-id"
LONGEST_NAME = 16_384
"""Bytes of a field that may name the conversation."""
AROUND = ("system", "instructions", "tools")
READ = 65_536
"""Bytes of the turns that are read."""
MOST_TURNS = 64
"""Turns that are looked at for the first one of the user."""
HASHED = 4_096
"""Bytes of each piece that are hashed."""
INSTRUCTING = ("system", "developer")


class NamedConversation(msgspec.Struct):
    """The field `conversation`, where it is an object."""

    id: str


class NamedUser(msgspec.Struct):
    """The field `metadata`, as clients of Anthropic fill it."""

    user_id: str | None = None


_text = msgspec.json.Decoder(str)
_conversation = msgspec.json.Decoder(str | NamedConversation)
_metadata = msgspec.json.Decoder(NamedUser)
_json = JSONDecoder()
_between = re.compile(r"[\s,]*")


def conversation_key(headers: Mapping[bytes, bytes], fields: Fields) -> bytes | None:
    """Return the key of a request's conversation, 16 bytes; None where nothing tells it."""
    named = headers.get(SESSION_HEADER) or named_in(fields).encode(errors="replace")
    if named:
        return blake2b(named[:LONGEST_NAME], digest_size=16).digest()
    opening = opening_of(fields.get("messages") or fields.get("input"))
    if not opening:
        return None
    around = [bytes(memoryview(fields[name])[:HASHED]) for name in AROUND if name in fields]
    digest = blake2b(digest_size=16)
    for piece in (*around, *opening):
        digest.update(b"%d:" % len(piece) + piece)
    return digest.digest()


def named_in(fields: Fields) -> str:
    """Return the name that a body gives its conversation; empty where it gives none."""
    found = field_in(fields, "prompt_cache_key", _text)
    if not found:
        conversation = field_in(fields, "conversation", _conversation)
        found = conversation.id if isinstance(conversation, NamedConversation) else conversation
    if not found:
        metadata = field_in(fields, "metadata", _metadata)
        found = None if metadata is None else metadata.user_id
    return found or field_in(fields, "user", _text) or ""


def field_in(fields: Fields, name: str, decoder: msgspec.json.Decoder[T]) -> T | None:
    """Return a field that may name a conversation; None for one that is of another form."""
    raw = fields.get(name)
    if raw is None or len(memoryview(raw)) > LONGEST_NAME:
        return None
    return decoded_or_none(decoder, raw)


def opening_of(turns: msgspec.Raw | None) -> list[bytes]:
    """Return the text of the user's first turn after that of the instructions before it.

    Text alone, as clients move their marks for the cache from turn to turn. Nothing where the user
    says nothing.
    """
    if turns is None:
        return []
    text = bytes(memoryview(turns)[:READ]).decode(errors="ignore")
    if not text.startswith("["):
        said = value_at(text, 0)[0]
        return [text_hashed(said)] if isinstance(said, str) else []
    opening, at = [], 1
    for _ in range(MOST_TURNS):
        at = end_of_blank(text, at)
        if text[at : at + 1] in {"", "]"}:
            return []
        turn, at = value_at(text, at)
        role = turn.get("role") if isinstance(turn, dict) else "user"
        if role == "user" or role in INSTRUCTING:
            opening.append(text_hashed(turn))
        if role == "user":
            return opening
    return []


def value_at(text: str, at: int) -> tuple[Any, int]:
    """Return the value of JSON at a place, and where it ends; all of a text that is cut off."""
    try:
        return _json.raw_decode(text, at)
    except (ValueError, RecursionError):
        return text[at:], len(text)


def end_of_blank(text: str, at: int) -> int:
    """Return where the next value begins."""
    found = _between.match(text, at)
    return at if found is None else found.end()


def text_hashed(turn: Any) -> bytes:
    """Return what is hashed of a turn: its text."""
    content = turn.get("content") if isinstance(turn, dict) else turn
    if not isinstance(content, str):
        parts = content if isinstance(content, list) else []
        texts = (part.get("text") for part in parts if isinstance(part, dict))
        content = "".join(text for text in texts if isinstance(text, str))
    return content[:HASHED].encode(errors="replace")
