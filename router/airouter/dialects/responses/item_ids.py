"""Ids of items and calls in the input of Responses, as OpenAI takes them: of 64 characters at most.

Other servers give longer ones, and clients send them back to whoever is asked next.

Source: the errors of OpenAI's API (`string_above_max_length`).
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.call_ids import fit_raw_id, short_id
from airouter.dialects.raw_json import RawFields, raw_json
from airouter.dialects.upstream_api import IdRule
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from airouter.dialects.client_request import Fields

OPENAI_IDS = IdRule(re.compile(rb'"(?:call_)?id"\s*:\s*"[^"]{65}'), partial(short_id, longest=64))
OF_ITEMS = ("id", "call_id")

_items = msgspec.json.Decoder(list[msgspec.Raw])
_fields = msgspec.json.Decoder(RawFields)


def fit_items(fields: Fields, rule: IdRule | None) -> None:
    """Give the items of a request ids that are taken."""
    given = fields.get("input")
    if rule is None or given is None or not rule.unfit.search(given):
        return
    items = decoded_or_none(_items, given)
    if items is not None:
        fields["input"] = raw_json([fit_item(each, rule) for each in items])


def fit_item(item: msgspec.Raw, rule: IdRule) -> msgspec.Raw:
    """Return one item, the bytes of it where its ids are taken."""
    fields = decoded_or_none(_fields, item) if rule.unfit.search(item) else None
    if fields is None:
        return item
    ids = {name: fit_raw_id(fields[name], rule.fit) for name in OF_ITEMS if name in fields}
    return raw_json(fields | ids)
