"""Input and output items as they stand in bodies: JSON that is joined, and seldom decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.failures import Failure, invalid_field
from airouter.untrusted import decoded_or_none, holds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ANSWER: dict[str, list[str]] = {"annotations": [], "logprobs": []}
LIST = msgspec.json.Decoder(list[msgspec.Raw])


class ResponseOutput(msgspec.Struct):
    """The items of a response."""

    output: msgspec.Raw = msgspec.Raw(b"[]")


REFERENCE = "item_reference"
ID = b'"id"'
"""In every item that is a reference, as `dialects/spelling.py` leaves it."""


class Item(msgspec.Struct):
    """The fields of an item that state is made of."""

    given_type: str | None = msgspec.field(default=None, name="type")
    id: str | None = None
    role: str | None = None
    call_id: str | None = None
    encrypted_content: str | None = None

    @property
    def type(self) -> str:
        """The type, which a message and a reference may leave out.

        OpenAI takes an item that has nothing but an id for a reference.
        """
        return self.given_type or ("message" if self.role or not self.id else REFERENCE)


_output = msgspec.json.Decoder(ResponseOutput)
_item = msgspec.json.Decoder(Item)
_items = msgspec.json.Decoder(list[Item])


def has_references(items: bytes) -> bool:
    """Return whether some of the items may be references."""
    if not holds(items, ID):
        return False
    known = decoded_or_none(_items, b"[%b]" % items)
    return known is None or any(each.type == REFERENCE for each in known)


def input_items(given: msgspec.Raw | None) -> bytes:
    """Return the items of an `input`, without the brackets around them. Raises `Failure` 400."""
    if given is None:
        return b""
    match bytes(memoryview(given)[:1]):
        case b'"':
            return b"".join((b'{"type":"message","role":"user","content":', given, b"}"))
        case b"[":
            return row_of(given)
        case b"" | b"n":
            return b""
    raise invalid_field("input", "'input' must be a string or a list of items.")


def output_items(response: bytes) -> bytes:
    """Return the output of a response, without the brackets around it."""
    return row_of(_output.decode(response).output)


def row_of(items: msgspec.Raw) -> bytes:
    """Return a list of items without its brackets. Copied once: it may have many megabytes."""
    return bytes(memoryview(items)[1:-1]).strip()


def joined_items(parts: Iterable[bytes | memoryview]) -> bytes:
    """Join items, or rows of them."""
    return b",".join(part for part in parts if part)


def split_items(inner: bytes) -> list[msgspec.Raw]:
    """Split a row of items. Raises `Failure` 400."""
    try:
        return LIST.decode(b"[" + inner + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid_field("input", "'input' must be a list of items.") from None


def item_fields(item: msgspec.Raw, at: str = "input") -> Item:
    """Read the fields that say what an item is. Raises `Failure` 400."""
    try:
        return _item.decode(item)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Failure(400, f"'{at}' is not an item.", param=at, code="invalid_type") from None


def with_ids(items: Sequence[msgspec.Raw], seed: str) -> list[msgspec.Raw]:
    """Return items all of which have ids."""
    return [with_id(item, f"{seed}{number:04d}") for number, item in enumerate(items)]


def with_id(item: msgspec.Raw, seed: str) -> msgspec.Raw:
    """Return an item with its id, or one made of `seed`; a message in its stored form."""
    known = item_fields(item)
    if known.id and known.type != "message":
        return item
    fields = msgspec.json.decode(item, type=dict[str, msgspec.Raw])
    whole = {"type": known.type, "id": known.id or f"{PREFIXES.get(known.type, 'item')}_{seed}"}
    if known.type == "message":
        whole["status"] = "completed"
        if bytes(fields.get("content", b"")).startswith(b'"'):
            kind = "output_text" if known.role == "assistant" else "input_text"
            text = {"type": kind, "text": fields["content"]}
            more = ANSWER if kind == "output_text" else {}
            fields["content"] = msgspec.Raw(msgspec.json.encode([{**text, **more}]))
    return msgspec.Raw(msgspec.json.encode({**whole, **fields, "id": whole["id"]}))


PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "compaction": "cmp",
}
