"""Ids of items that a provider keeps: a tag at their end says whose they are.

An item can be named without its content, and then the provider looks it up in all that its account
keeps, whoever of our clients it is of. So ids leave with a tag that only the router can make, and
come back without; what would be looked up is refused without the tag of its tenant. With a tag, an
id has no more than the 64 characters that OpenAI allows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from airouter.responses.items import REFERENCE, item_fields, split_items
from airouter.responses.references import reference_not_found
from airouter.untrusted import decoded_or_none, holds

if TYPE_CHECKING:
    from airouter.sealing import Sealer

PURPOSE = "item"
TAG_LENGTH = 9
"""Characters of base64url, of 6 bits each."""
TAG = rb"_[A-Za-z0-9_-]{%d}" % TAG_LENGTH
ITEM_ID = rb"(?!(?:resp|conv|pmpt)_)[a-z]{2,5}_[0-9a-f]{32,49}(?:%b)?" % TAG
"""As OpenAI writes it, of an item alone; a router behind this one has added a tag of its own."""
TOLD = re.compile(rb'id"\s*:\s*"(%b)(?=")' % ITEM_ID)
FIELDS = (b'"', b'"item_', b'"first_', b'"last_')
"""What stands before the end of the names of fields that have the id of an item."""
TAGGED = re.compile(rb'"(%b)(%b)"' % (ITEM_ID, TAG))
ID_END = b'id"'
"""In what has the id of an item, be it as `approval_request_id`."""
NOTHING = frozenset({b"", b"null", b"[]", b'""'})
CONTENTS = {"reasoning": ("encrypted_content", "content"), "image_generation_call": ("result",)}
"""What an item has in it that need not be looked up, by its type."""


class ReferringItem(msgspec.Struct):
    """An item, as much of it as tells whether its provider would look it up."""

    type: str | None = None
    id: str | None = None
    role: msgspec.Raw = msgspec.Raw()
    content: msgspec.Raw = msgspec.Raw()
    encrypted_content: msgspec.Raw = msgspec.Raw()
    result: msgspec.Raw = msgspec.Raw()

    @property
    def is_looked_up(self) -> bool:
        """True for an item that is named, and has no content of its own."""
        if not self.id:
            return False
        if not self.type:
            return bytes(self.role) in NOTHING
        contents = CONTENTS.get(self.type, ())
        lacks_all = all(bytes(getattr(self, name)) in NOTHING for name in contents)
        return self.type == REFERENCE or (bool(contents) and lacks_all)


_items = msgspec.json.Decoder(list[ReferringItem])
_item = msgspec.json.Decoder(ReferringItem)


def names_items(items: bytes) -> bool:
    """Return whether some items may be named that a provider keeps."""
    if not holds(items, ID_END):
        return False
    if TAGGED.search(items) is not None:
        return True
    known = decoded_or_none(_items, b"[%b]" % items)
    return known is None or any(each.is_looked_up for each in known)


def without_tags(text: bytes) -> bytes:
    """Return JSON with the ids that the provider gave."""
    return TAGGED.sub(rb'"\1"', text)


def bare_id(id_: str) -> str:
    """Return the id that the provider gave, where it is one with a tag."""
    return without_tags(b'"%b"' % id_.encode()).decode()[1:-1]


class ItemIds:
    """The ids of one tenant's items; the same id gets the same tag all along."""

    __slots__ = ("_known", "_sealer", "_tenant")

    def __init__(self, sealer: Sealer, tenant: str) -> None:
        self._sealer = sealer
        self._tenant = tenant
        self._known: dict[bytes, bytes] = {}

    def tag(self, data: bytes) -> bytes:
        """Tag all ids of items in a body, or in whole events, of a provider."""
        pieces: list[bytes] = []
        done = 0
        at = data.find(ID_END)
        while at >= 0:
            found = TOLD.match(data, at)
            if found is not None and data[max(0, at - 7) : at].endswith(FIELDS):
                pieces += (data[done : found.end()], self._tag_of(found[1]))
                done = found.end()
            at = data.find(ID_END, at + 1)
        if not pieces:
            return data
        return b"".join((*pieces, data[done:]))

    def _tag_of(self, id_: bytes) -> bytes:
        tag = self._known.get(id_)
        if tag is None:
            made = self._sealer.tag(id_, PURPOSE, self._tenant)
            tag = self._known[id_] = b"_" + made[:TAG_LENGTH]
        return tag

    def check(self, items: bytes) -> None:
        """Raise `Failure` 400 for an item that would be looked up, and is not this tenant's."""
        for number, raw in enumerate(split_items(items)):
            item = decoded_or_none(_item, raw)
            at = f"input[{number}]"
            if item is None:
                item_fields(raw, at)  # which says so
            elif item.is_looked_up and not self._is_own(item.id or ""):
                raise reference_not_found(item.id or "", at)

    def _is_own(self, id_: str) -> bool:
        found = TAGGED.fullmatch(b'"%b"' % id_.encode())
        return found is not None and self._sealer.made(
            found[2][1:], found[1], PURPOSE, self._tenant
        )
